"""Image files from the wild: reading them, what they carry besides pixels, and writing them back. No records."""
