"""Image files from the wild: reading and writing them with all they carry. No records."""
