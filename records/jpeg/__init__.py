"""What JPEG defines and what a file's bytes say. No files are opened here, and nothing is drawn from folders."""
