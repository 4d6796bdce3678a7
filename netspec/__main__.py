"""``python -m netspec``: the command line."""

import sys

from netspec.cli import main

if __name__ == "__main__":
    sys.exit(main())
