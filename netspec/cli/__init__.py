"""The command line. One module per command; nothing heavy is imported before a command needs it."""

from netspec.cli.app import main

__all__ = ["main"]
