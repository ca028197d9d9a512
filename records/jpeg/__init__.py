"""What JPEG defines and what the bytes of a file say. Nothing here opens files."""
