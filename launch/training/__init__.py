"""The only place where weights change."""
