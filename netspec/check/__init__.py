"""What is said of files: whether they are right, what is suspicious, in every format."""
