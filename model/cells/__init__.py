"""The quantisation cells of a JPEG as tensor operations: blocks, planes, projection. No networks."""
