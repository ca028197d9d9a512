"""What a training record is and how it gets on disk: images to tiles to JPEG to TFRecord shards."""
