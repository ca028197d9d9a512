"""What the JPEG standard defines, and what the bytes of a JPEG say. Nothing here opens files."""
