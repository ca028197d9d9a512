"""Decides which tiles, splits, qualities and shards the records have. Nothing is written here."""
