"""What a run leaves on disk. Nothing here trains."""
