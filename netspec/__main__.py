"""``python -m netspec``: the command line."""

import sys

from netspec_compiler import main

if __name__ == "__main__":
    sys.exit(main())
