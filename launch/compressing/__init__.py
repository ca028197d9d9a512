"""Images as small JPEGs that a network is to restore. Needs no TensorFlow.

Measures stand in `launch.evaluation`; how files are read and written, in `launch.file_sets`.
"""
