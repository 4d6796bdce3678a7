"""What netspec asks of the operating system: files, disks, streams and terminals."""
