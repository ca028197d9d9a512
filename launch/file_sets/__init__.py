"""A program's work on a set of files: which file becomes which result, and what became of each.

What that work is stands in other rooms. No network, no TensorFlow.
"""
