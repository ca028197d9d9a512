"""The format of records, shards and their manifest on disk. No Beam, and no sources of images."""
