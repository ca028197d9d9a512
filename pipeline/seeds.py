"""Stateless seeds: one for each (run, position in the stream, decision).

Nothing random in the pipeline depends on the order of threads. The stream of batches is therefore
the same for any number of threads, and can be entered at any position.
"""

import tensorflow as tf

# One number per random decision. Numbers are never reused, so that a new decision leaves the old
# streams unchanged.
ORDER = 0
QUALITY = 1
OFFSETS = 2
MIX = 3
SYMMETRY = 4

# Of pipeline/decisions.py; from 16 on, to leave room for the order of the stream above.
SUBSAMPLING = 16
DOUBLE = 17
FIRST_QUALITY = 18
GRID_SHIFT = 19
RESIZE = 20
SCALE = 21
MISALIGN = 22
CROP_SHIFT = 23
ENCODER_TABLES = 24
ENCODER = 25
GRAY = 26
CLEAN = 27
REORDER = 28
CHANNEL_ORDER = 29
TONE = 30
CONTRAST = 31
BRIGHTNESS = 32
REGION = 33

_MOST_DECISIONS = 2**8


def derive(seed, *path):
  """Returns the seed of a place in the stream.

  seed = [256 * run + decision, position]. The stateless functions scramble it, so neighbouring
  seeds are as good as any, and nothing is hashed for each record.

  Args:
    seed: int, or int64 scalar tensor, of the run; below 2**55.
    *path: ints or integer scalar tensors: positions, the coarsest first, then a decision of this
      module.
  Returns:
    int64 [2], for tf.random.stateless_* functions.
  """
  *positions, decision = path or (0,)
  first, *others = positions or (0,)
  run = tf.cast(seed, tf.int64) * _MOST_DECISIONS + tf.cast(decision, tf.int64)
  derived = tf.stack([run, tf.cast(first, tf.int64)])
  for position in others:
    derived = tf.random.fold_in(derived, tf.cast(position, tf.int64))
  return derived
