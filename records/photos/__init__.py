"""Reads and writes image files of any origin, with their metadata. No records."""
