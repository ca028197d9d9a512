"""From images to decisions: which tiles, splits, qualities and shards. Nothing is written."""
