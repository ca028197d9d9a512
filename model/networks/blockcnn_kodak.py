"""The network of the project that this one continues, layer for layer.

A TensorFlow re-implementation of BlockCNN, trained on the 24 Kodak images at quality 25; k = 16:

    3x3→k | bottleneck | 5x5→2k, BN | 5x5→8k, BN | bottleneck | 7x7→k, BN | 1x1→3 | sigmoid

All convolutions but the bottlenecks' are unpadded (24→22→18→14→8), LeakyReLU(0.1) follows each,
and the bottlenecks have no batch normalisation and Keras 2's default slope of 0.3 inside. Biases
and initialisers are not recorded; Keras' defaults are our reading.
"""

import keras

from deblock.model.networks import blocks

DEFAULT_WIDTH = 16
KERAS2_DEFAULT_SLOPE = 0.3


def blockcnn_kodak(width=0, residual=False):
  """Returns the network: float32 [B, 24, 24, 3] in [0, 1] to the central [B, 8, 8, 3] in [0, 1].

  It takes larger crops, as `blockcnn` does, but is another function there.

  Args:
    width: k; 0 is the project's 16.
    residual: must be False: this network predicts pixels.
  Raises:
    ValueError: if `residual` is asked for.
  """
  if residual:
    raise ValueError("blockcnn_kodak predicts pixels: it needs --noresidual.")
  width = width or DEFAULT_WIDTH
  compressed = keras.Input((None, None, 3), name="compressed")
  features = compressed
  stages = (
    (width, 3, False, True),
    (2 * width, 5, True, False),
    (8 * width, 5, True, True),
    (width, 7, True, False),
  )
  for stage, (channels, side, normalized, bottleneck) in enumerate(stages, start=1):
    # Pixels in float32 under mixed precision too: bfloat16 would round them to half a level.
    dtype = "float32" if stage == 1 else None
    features = keras.layers.Conv2D(channels, side, dtype=dtype, name=f"stage{stage}_convolution")(
      features
    )
    if normalized:
      features = keras.layers.BatchNormalization(name=f"stage{stage}_normalization")(features)
    features = keras.layers.LeakyReLU(blocks.LEAKY_SLOPE, name=f"stage{stage}_activation")(features)
    if bottleneck:
      features = blocks.Bottleneck(
        normalize=False, inner_slope=KERAS2_DEFAULT_SLOPE, name=f"stage{stage}_bottleneck"
      )(features)
  restored = keras.layers.Conv2D(3, 1, activation="sigmoid", dtype="float32", name="head")(features)
  return keras.Model(compressed, restored, name="blockcnn_kodak")
