"""The measurements of deblock-pipeline."""
