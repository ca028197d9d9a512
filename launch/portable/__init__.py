"""The training step as StableHLO for accelerators without TensorFlow, and weights in and out."""
