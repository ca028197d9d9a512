"""nafcar: NAFNet's blocks in a small U-shape, for compression artifacts.

The block is that of L. Chen, X. Chu, X. Zhang, J. Sun, "Simple Baselines for Image Restoration",
ECCV 2022, arXiv 2204.04676; the U-shape's sizes are ours; w = 32:

    3x3→w | N N | ↓2w | N N | ↓4w | N N N N | ↑2w, + | N N | ↑w, + | N N | 3x3→3, + compressed
    N: norm | 1x1→2c | 3x3, each channel alone | gate | attention | 1x1→c | times beta, + identity |
       norm | 1x1→2c | gate | 1x1→c | times gamma, + identity
    gate: one half of the channels times the other       attention: times 1x1 of the image's mean
    ↓: 2x2 of stride 2       ↑: 1x1 to twice the channels without bias, depth to space

Beta and gamma start at zero, as published. The attention takes the mean over the whole input, so a
restored pixel depends a little on how much of the image is the input.

Deviations: the last layer starts at zero, so that the network starts as the identity, and its
output is scaled by 1/10; images are padded with their last pixels rather than zeros.
"""

import keras

from deblock.model.networks import blocks, config, plain

WIDTH, UNITS, BODY_UNITS, SCALES = 32, 2, 4, 2
CONTEXT = 32  # Convolutions reach 31 pixels; pixels at a quarter count as 4.


@keras.saving.register_keras_serializable(package="deblock")
class Gate(keras.layers.Layer):
  """Multiplies the first half of the channels by the second: [B, H, W, 2C] to [B, H, W, C]."""

  def call(self, features):
    """Returns the product."""
    first, second = keras.ops.split(features, 2, axis=-1)
    return first * second

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return (*input_shape[:-1], input_shape[-1] // 2)


@keras.saving.register_keras_serializable(package="deblock")
class ChannelScale(keras.layers.Layer):
  """Multiplies each channel of [B, H, W, C] by a learned number that starts at zero."""

  def build(self, input_shape):
    """Creates the numbers."""
    self.scale = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="scale")

  def call(self, features):
    """Returns the scaled features."""
    return features * keras.ops.cast(self.scale, features.dtype)

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return tuple(input_shape)


def _pointwise(features, channels, name, **options):
  return plain.convolution(
    features, channels, 1, keras.initializers.GlorotUniform(), name, **options
  )


def _normalized(features, name):
  return keras.layers.LayerNormalization(epsilon=1e-6, name=name)(features)


def _attention(features, name):
  weights = keras.layers.GlobalAveragePooling2D(
    keepdims=True, dtype="float32", name=f"{name}_mean"
  )(features)
  weights = keras.layers.Dense(features.shape[-1], dtype="float32", name=f"{name}_weights")(weights)
  return keras.layers.Multiply(name=f"{name}_attention")([features, weights])


def _unit(features, name):
  channels = features.shape[-1]
  hidden = _normalized(features, f"{name}_first_norm")
  hidden = _pointwise(hidden, 2 * channels, f"{name}_first_wide")
  hidden = keras.layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(hidden)
  hidden = Gate(name=f"{name}_first_gate")(hidden)
  hidden = _attention(hidden, name)
  hidden = _pointwise(hidden, channels, f"{name}_first_narrow")
  hidden = ChannelScale(name=f"{name}_beta")(hidden)
  features = keras.layers.Add(name=f"{name}_first")([features, hidden])
  hidden = _normalized(features, f"{name}_second_norm")
  hidden = _pointwise(hidden, 2 * channels, f"{name}_second_wide")
  hidden = Gate(name=f"{name}_second_gate")(hidden)
  hidden = _pointwise(hidden, channels, f"{name}_second_narrow")
  hidden = ChannelScale(name=f"{name}_gamma")(hidden)
  return keras.layers.Add(name=name)([features, hidden])


def _units(features, count, name):
  for index in range(1, count + 1):
    features = _unit(features, f"{name}_unit{index}")
  return features


def nafcar(width=0, residual=True, condition=config.NONE, channels=3):
  """Returns the network: 0.7 M parameters; any height and width.

  Float32 [B, H, W, C] in [0, 1] to the same shape, unbounded.

  Args:
    width: w; 0 is 32.
    residual: must be true.
    condition: its input about the JPEG; unless "none", it takes [image, tables].
    channels: C.
  Raises:
    ValueError: if `residual` is false.
  """
  plain.require_residual("nafcar", residual)
  width = width or WIDTH
  initializer = keras.initializers.GlorotUniform()
  began = plain.start(channels, condition, multiple=2**SCALES)
  features = plain.convolution(began.features, width, 3, initializer, "stem", dtype="float32")
  skipped = []
  for scale in range(1, SCALES + 1):
    features = _units(features, UNITS, f"encoder{scale}")
    skipped.append(features)
    wider = width << scale
    features = plain.convolution(features, wider, 2, initializer, f"down{scale}", strides=2)
  features = _units(features, BODY_UNITS, "body")
  for scale in range(SCALES, 0, -1):
    features = _pointwise(features, 2 * features.shape[-1], f"up{scale}", use_bias=False)
    features = blocks.DepthToSpace(2, name=f"doubled{scale}")(features)
    features = keras.layers.Add(name=f"joined{scale}")([features, skipped[scale - 1]])
    features = _units(features, UNITS, f"decoder{scale}")
  return plain.finish("nafcar", began, features, 3, initializer, residual)
