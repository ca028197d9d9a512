"""Layers that several networks share."""

import keras
import tensorflow as tf

LEAKY_SLOPE = 0.1  # The slope of BlockCNN's published code, and of the Kodak project.


def crop_center(images, margin):
  """Returns `images` [B, H, W, C] without `margin` pixels on each of the four sides."""
  if margin == 0:
    return images
  return images[:, margin:-margin, margin:-margin, :]


def published_initializer():
  """Returns a new N(0, 0.02) initialiser, that of every kernel in BlockCNN's published code."""
  return keras.initializers.RandomNormal(stddev=0.02)


def batch_normalization(gain="ones", name=None):
  """Returns a batch normalisation with the constants of BlockCNN's published (PyTorch) code.

  PyTorch's momentum 0.1 is Keras' 0.9: PyTorch weighs the new statistics, Keras the old ones.

  Args:
    gain: initialiser of the scale.
    name: of the layer.
  """
  return keras.layers.BatchNormalization(
    momentum=0.9, epsilon=1e-5, gamma_initializer=gain, name=name
  )


def shrunk(shape, margin):
  """Returns the static shape (B, H, W, C) of images of `shape` without `margin` pixels a side."""
  batch, height, width, channels = shape
  return (
    batch,
    None if height is None else height - 2 * margin,
    None if width is None else width - 2 * margin,
    channels,
  )


@keras.saving.register_keras_serializable(package="deblock")
class CenterCrop(keras.layers.Layer):
  """Removes `margin` pixels on each side of float [B, H, W, C] images.

  Unpadded convolutions shrink an image by their reach. This layer crops the image that their result
  is added to.
  """

  def __init__(self, margin, **kwargs):
    super().__init__(**kwargs)
    if margin < 0:
      raise ValueError(f"margin must be at least 0 pixels, got {margin}.")
    self.margin = margin

  def call(self, images):
    """Returns float [B, H - 2 margin, W - 2 margin, C]."""
    return crop_center(images, self.margin)

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return shrunk(input_shape, self.margin)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="deblock")
class Bottleneck(keras.layers.Layer):
  """The residual unit of BlockCNN (Maleki et al. 2018, arXiv 1805.11091, and its published code).

  1x1, 3x3 and 1x1 convolutions that keep the number of channels C, an activation after the first
  two, the identity added, LeakyReLU(0.1). With batch normalisation (the published form) each
  convolution is normalised and has no bias; without it each has a bias.

  Args:
    normalize: whether batch normalisation follows each convolution.
    inner_slope: negative slope of the two inner activations.
    padding: "same" as published: float [B, H, W, C] to the same shape. "valid" drops one pixel on
      each side, of the identity too, so that no padding affects the result.
    kernel_initializer: of the three convolutions.
    starts_closed: whether the last normalisation starts with a scale of zero, so that the unit
      starts as the identity (Goyal et al. 2017, section 5.1).
  """

  def __init__(
    self,
    normalize=True,
    inner_slope=LEAKY_SLOPE,
    padding="same",
    kernel_initializer="glorot_uniform",
    starts_closed=False,
    **kwargs,
  ):
    super().__init__(**kwargs)
    if padding not in ("same", "valid"):
      raise ValueError(f'padding must be "same" or "valid", got {padding!r}.')
    self.normalize = normalize
    self.inner_slope = inner_slope
    self.padding = padding
    self.kernel_initializer = keras.initializers.get(kernel_initializer)
    self.starts_closed = starts_closed

  def build(self, input_shape):
    """Creates the convolutions, whose width is the number of input channels."""
    self.convolutions = []
    self.normalizations = []
    shape = tuple(input_shape)
    for index, side in enumerate((1, 3, 1)):
      convolution = keras.layers.Conv2D(
        shape[-1],
        side,
        padding=self.padding,
        use_bias=not self.normalize,
        kernel_initializer=self.kernel_initializer.clone(),
      )
      convolution.build(shape)
      self.convolutions.append(convolution)
      shape = convolution.compute_output_shape(shape)
      if self.normalize:
        closed = self.starts_closed and index == 2
        normalization = batch_normalization("zeros" if closed else "ones")
        normalization.build(shape)
        self.normalizations.append(normalization)

  def call(self, features, training=None):
    """Returns the unit's activations, float [B, H, W, C], H and W two less if unpadded."""
    hidden = features
    for index, convolution in enumerate(self.convolutions):
      hidden = convolution(hidden)
      if self.normalize:
        hidden = self.normalizations[index](hidden, training=training)
      if index < 2:
        hidden = keras.ops.leaky_relu(hidden, self.inner_slope)
    identity = crop_center(features, self.margin)
    return keras.ops.leaky_relu(identity + hidden, LEAKY_SLOPE)

  @property
  def margin(self):
    """Pixels that the unit takes off each side."""
    return 0 if self.padding == "same" else 1

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    return shrunk(input_shape, self.margin)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {
      **super().get_config(),
      "normalize": self.normalize,
      "inner_slope": self.inner_slope,
      "padding": self.padding,
      "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
      "starts_closed": self.starts_closed,
    }


@keras.saving.register_keras_serializable(package="deblock")
class SpaceToDepth(keras.layers.Layer):
  """Moves squares of pixels into channels, float [B, H, W, C] to [B, H / s, W / s, s * s * C].

  Args:
    side: s, of the squares; H and W are multiples of it.
  """

  def __init__(self, side, **kwargs):
    super().__init__(**kwargs)
    self.side = side

  def call(self, images):
    """Returns the squares as channels, row by row."""
    return tf.nn.space_to_depth(images, self.side)

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    batch, height, width, channels = input_shape
    height, width = (None if side is None else side // self.side for side in (height, width))
    return (batch, height, width, channels * self.side**2)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable(package="deblock")
class DepthToSpace(keras.layers.Layer):
  """The inverse of `SpaceToDepth`, float [B, H, W, s * s * C] to [B, s * H, s * W, C].

  Args:
    side: s, of the squares.
  """

  def __init__(self, side, **kwargs):
    super().__init__(**kwargs)
    self.side = side

  def call(self, features):
    """Returns the channels as squares of pixels."""
    return tf.nn.depth_to_space(features, self.side)

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    batch, height, width, channels = input_shape
    height, width = (None if side is None else side * self.side for side in (height, width))
    return (batch, height, width, channels // self.side**2)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable(package="deblock")
class PadToMultiple(keras.layers.Layer):
  """Repeats the last row and column of float [B, H, W, C] until H and W are multiples of `side`."""

  def __init__(self, side, **kwargs):
    super().__init__(**kwargs)
    self.side = side

  def call(self, images):
    """Returns float [B, H', W', C]."""
    for axis in (1, 2):
      if images.shape[axis] is None or images.shape[axis] % self.side:
        length = tf.shape(images)[axis]
        padded = (length + self.side - 1) // self.side * self.side
        images = tf.gather(images, tf.minimum(tf.range(padded), length - 1), axis=axis)
    return images

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    batch, *sides, channels = input_shape
    height, width = (None if side is None else -(-side // self.side) * self.side for side in sides)
    return (batch, height, width, channels)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {**super().get_config(), "side": self.side}


@keras.saving.register_keras_serializable(package="deblock")
class CropLike(keras.layers.Layer):
  """Cuts the first of two images, float [B, H', W', C], to the height and width of the second."""

  def call(self, inputs):
    """Returns the top left corner of the first image."""
    images, like = inputs
    height, width = keras.ops.shape(like)[1:3]
    return images[:, :height, :width, :]

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    images, like = input_shape
    return (images[0], like[1], like[2], images[3])
