"""The JPEG's tables or quality as further channels of the image, for every network.

QCN and QGCN (Li et al., "Learning a Single Model With a Wide Range of Quality Factors for JPEG
Image Artifacts Removal", 2020, arXiv 2009.06912) and QGAC (Ehrlich et al., ECCV 2020) take
quantisation tables tiled to the image's size. A map of the quality corresponds to the noise level
map of FFDNet (Zhang et al. 2018). The scaling is ours.

A network takes the tables in both cases: a JPEG file holds no quality, which is estimated here.
"""

import math

import keras
import tensorflow as tf

from deblock.model.networks import config
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables

_BLOCK = jpeg_sampling.BLOCK
_LARGEST_STEP = 255.0  # Of a baseline JPEG's 8-bit tables.


@keras.saving.register_keras_serializable(package="deblock")
class TableMaps(keras.layers.Layer):
  """Adds the two quantisation tables, repeated over the image, as its last two channels.

  Takes [images, tables], float [B, H, W, C] and [B, 2, 8, 8] in [1, 255]. The JPEG's block grid
  starts at the first pixel. Steps enter by their logarithm, scaled to [-1, 1], as in
  `conditioning.TableEmbedding`.
  """

  def call(self, inputs):
    """Returns float [B, H, W, C + 2]."""
    images, tables = inputs
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    maps = 2.0 / math.log(_LARGEST_STEP) * keras.ops.log(tables) - 1.0
    maps = tf.transpose(maps, (0, 2, 3, 1))
    maps = tf.tile(maps, (1, (height + _BLOCK - 1) // _BLOCK, (width + _BLOCK - 1) // _BLOCK, 1))
    return tf.concat([images, tf.cast(maps[:, :height, :width], images.dtype)], axis=-1)

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    *others, channels = input_shape[0]
    return (*others, channels + 2)


@keras.saving.register_keras_serializable(package="deblock")
class QualityMap(keras.layers.Layer):
  """Adds the quality, as a fraction of 100, as the image's last channel, constant over the image.

  Takes [images, tables], float [B, H, W, C] and [B, 2, 8, 8] in [1, 255].
  """

  def call(self, inputs):
    """Returns float [B, H, W, C + 1]."""
    images, tables = inputs
    quality = tf.cast(nearest_quality(tables), images.dtype) / 100.0
    plane = tf.ones_like(images[..., :1]) * quality[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.concat([images, plane], axis=-1)

  def compute_output_shape(self, input_shape):
    """Returns the static shape of the result."""
    *others, channels = input_shape[0]
    return (*others, channels + 1)


def nearest_quality(tables):
  """Returns the IJG quality whose luma table has the least sum of absolute differences of steps.

  Each table is added to its transpose first, since the pipeline transposes tables with their crops.
  Chroma is ignored, since a gray JPEG has none. If several are equally near, the lowest is taken.
  `jpeg.encoders.nearest_quality` compares logarithms instead. The two agree on the IJG's tables;
  pretrained networks need this one for others.

  Args:
    tables: float [B, 2, 8, 8], quantisation steps of luma and chroma.
  Returns:
    int32 [B] in [1, 100]; exactly the quality where the tables are the IJG's.
  """
  luma = tf.cast(tables[:, tf.newaxis, 0], tf.float32)
  known = tf.constant(jpeg_tables.all_quantization_tables()[1:, 0])
  difference = (luma + _transposed(luma)) - (known + _transposed(known))
  distance = tf.reduce_sum(tf.abs(difference), axis=(2, 3))
  return 1 + tf.argmin(distance, axis=1, output_type=tf.int32)


def _transposed(tables):
  return tf.linalg.matrix_transpose(tables)


def add(images, tables, condition):
  """Returns symbolic images with the channels of a condition.

  Args:
    images: float32 [B, H, W, C], a symbolic Keras tensor.
    tables: float32 [B, 2, 8, 8], a symbolic Keras tensor.
    condition: `config.QUALITY` or `config.TABLES`.
  """
  layer = TableMaps if condition == config.TABLES else QualityMap
  return layer(dtype="float32", name=f"{condition}_map")([images, tables])
