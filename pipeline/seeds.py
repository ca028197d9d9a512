"""Stateless seeds: one for each (run, position in the stream, decision).

Nothing random in the pipeline depends on the order in which threads run, so the stream of batches
is the same for any number of them, and can be entered at any position.
"""

import tensorflow as tf

# One number per random decision; numbers are never reused, so that a new decision leaves the old
# streams as they were.
ORDER = 0
QUALITY = 1
OFFSETS = 2
MIX = 3
SYMMETRY = 4


def derive(seed, *path):
  """Returns the seed of a place in the stream.

  Args:
    seed: int, or int64 scalar tensor, of the run.
    *path: ints or int64 scalar tensors: positions and decisions, the coarsest first.
  Returns:
    int64 [2], for tf.random.stateless_* functions.
  """
  derived = tf.stack([tf.cast(seed, tf.int64), tf.constant(0, tf.int64)])
  for index in path:
    derived = tf.random.fold_in(derived, tf.cast(index, tf.int64))
  return derived
