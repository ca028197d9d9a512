"""What lies on disk: records, shards, their manifest. Neither Beam nor sources of images."""
