"""Checks spec and block files: every problem of a file in one run, and of all its variants."""
