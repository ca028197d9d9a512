"""Layers that condition a network on the JPEG's tables, and on the place in its blocks."""

import math

import keras

_LARGEST_STEP = 255.0  # Of a baseline JPEG's 8-bit tables.


@keras.saving.register_keras_serializable(package="deblock")
class TableEmbedding(keras.layers.Layer):
  """Maps quantisation tables, float [B, 2, 8, 8] in [1, 255], to a vector, float [B, size].

  Two dense layers with ReLU follow 2 log(step) / log(255) - 1, in [-1, 1]. Errors are proportional
  to steps, and logarithms make equal ratios equal differences: 2 to 4 as 20 to 40.

  Args:
    size: of the vector and of the hidden layer.
  """

  def __init__(self, size=16, **kwargs):
    super().__init__(**kwargs)
    self.size = size
    self.first = keras.layers.Dense(size, activation="relu", dtype=self.dtype_policy, name="first")
    self.second = keras.layers.Dense(
      size, activation="relu", dtype=self.dtype_policy, name="second"
    )

  def build(self, input_shape):
    """Creates the dense layers."""
    self.first.build((None, math.prod(input_shape[1:])))
    self.second.build((None, self.size))

  def call(self, tables):
    """Returns the vectors, float [B, size]."""
    logarithms = 2.0 / math.log(_LARGEST_STEP) * keras.ops.log(tables) - 1.0
    return self.second(self.first(keras.ops.reshape(logarithms, (-1, math.prod(tables.shape[1:])))))

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return (input_shape[0], self.size)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="deblock")
class Modulation(keras.layers.Layer):
  """Scales and shifts each channel of features by a dense layer of a vector.

  features * (1 + scale) + shift, as in FBCNN (Jiang et al., ICCV 2021, eq. 3) and FiLM (Perez et
  al., AAAI 2018, eq. 2). Takes [features, vector], float [B, H, W, C] and float [B, E]. The dense
  layer computes in float32 whatever the features' type.
  """

  def build(self, input_shape):
    """Creates the dense layer for the features' number of channels."""
    features, vector = input_shape
    self.dense = keras.layers.Dense(
      2 * features[-1],
      kernel_initializer=keras.initializers.RandomNormal(stddev=0.02),
      dtype="float32",
      name="dense",
    )
    self.dense.build(vector)

  def call(self, inputs):
    """Returns the changed features, same shape and type."""
    features, vector = inputs
    change = keras.ops.cast(self.dense(vector), features.dtype)
    scale, shift = keras.ops.split(change[:, None, None, :], 2, axis=-1)
    return features * (1.0 + scale) + shift

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return tuple(input_shape[0])


@keras.saving.register_keras_serializable(package="deblock")
class BlockPhase(keras.layers.Layer):
  """Adds a learned map with the period of the JPEG's blocks: the place of a feature in its block.

  Float [B, H, W, C] to the same; H and W are multiples of `period`. The map starts at zero.

  Args:
    period: a block's side in pixels of the features.
  """

  def __init__(self, period, **kwargs):
    super().__init__(**kwargs)
    self.period = period

  def build(self, input_shape):
    """Creates the map."""
    shape = (self.period, self.period, input_shape[-1])
    self.map = self.add_weight(shape=shape, initializer="zeros", name="map")

  def call(self, features):
    """Returns the features with the map added."""
    height, width = keras.ops.shape(features)[1:3]
    repeats = (height // self.period, width // self.period, 1)
    return features + keras.ops.tile(keras.ops.cast(self.map, features.dtype), repeats)[None]

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return tuple(input_shape)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {**super().get_config(), "period": self.period}
