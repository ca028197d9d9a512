"""Training records, from images over tiles and JPEGs to TFRecord shards."""
