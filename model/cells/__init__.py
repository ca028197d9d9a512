"""The quantisation cells of a JPEG as tensor operations. No networks."""
