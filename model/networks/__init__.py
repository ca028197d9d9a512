"""One paper a file, what the networks share, and the registry as their door."""
