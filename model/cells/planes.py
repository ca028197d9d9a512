"""From RGB images to the planes that JPEG codes, each at its own resolution, and back.

Float and linear, where `pipeline.chroma` has the integers of libjpeg: its roundings are what the
tolerance of `consistency` is for. Levels are those of 8 bits, 0 to 255, with chroma around 128.
"""

import tensorflow as tf

from deblock.records.jpeg import sampling as jpeg_sampling

CENTRE = 128.0
_RED, _GREEN, _BLUE = jpeg_sampling.LUMA


def from_rgb(images):
  """Returns luma, Cb and Cr of every pixel of RGB images.

  Args:
    images: float [B, H, W, 3] in [0, 1].
  Returns:
    Three of float [B, H, W], in levels.
  """
  red, green, blue = tf.unstack(255.0 * images, axis=-1)
  luma = _RED * red + _GREEN * green + _BLUE * blue
  cb = (blue - luma) / (2.0 - 2.0 * _BLUE) + CENTRE
  cr = (red - luma) / (2.0 - 2.0 * _RED) + CENTRE
  return luma, cb, cr


def to_rgb_change(luma, cb, cr):
  """Returns by how much an RGB image changes if its planes do, the inverse of `from_rgb`.

  Args:
    luma: float [B, H, W], a difference in levels.
    cb: same.
    cr: same.
  Returns:
    float [B, H, W, 3], a difference of images in [0, 1].
  """
  red = (2.0 - 2.0 * _RED) * cr
  blue = (2.0 - 2.0 * _BLUE) * cb
  green = -(_RED * red + _BLUE * blue) / _GREEN
  return tf.stack([luma + red, luma + green, luma + blue], axis=-1) / 255.0


def downsample(planes, subsampling):
  """Returns one sample for each 1x1, 1x2 or 2x2 pixels, their mean, in whole blocks of samples.

  Beyond the border the encoder repeats pixels along a row, and down a column the samples.

  Args:
    planes: float [B, H, W].
    subsampling: "444", "422" or "420".
  Returns:
    float [B, h, w]; h and w are multiples of 8.
  """
  rows, columns = jpeg_sampling.FACTORS[subsampling]
  planes = padded(padded(planes, 1, rows), 2, columns * jpeg_sampling.BLOCK)
  if columns > 1:
    planes = _mean_of_pairs(planes, 2)
  if rows > 1:
    planes = _mean_of_pairs(planes, 1)
  return padded(planes, 1, jpeg_sampling.BLOCK)


def spread(samples, subsampling, height, width):
  """Returns a change of samples as a change of every pixel: that of its sample.

  The smallest change of the pixels whose means change by this: `downsample` undoes it, where a
  smoother one would be another change. It is the pseudo-inverse of that mean.

  Args:
    samples: float [B, h, w], as `downsample` returns them.
    subsampling: as there.
    height: of the image.
    width: of the image.
  Returns:
    float [B, height, width].
  """
  rows, columns = jpeg_sampling.FACTORS[subsampling]
  return tf.repeat(tf.repeat(samples, rows, 1), columns, 2)[:, :height, :width]


def without_smoothing(planes, subsampling):
  """Returns the samples that a decoder spread over every pixel, the inverse of its filter.

  libjpeg's "fancy upsampling" weighs the nearest sample by 3 and the next by 1, along each axis
  that was halved. The means of the pairs of pixels it makes of samples a are (a[i - 1] + 6 a[i] +
  a[i + 1]) / 8, with the samples at the border repeated: equations with three diagonals, which are
  solved.

  Args:
    planes: float [B, H, W], one chroma value for each pixel of a decoded JPEG.
    subsampling: "444", "422" or "420".
  Returns:
    float [B, ceil(H / rows), ceil(W / columns)], real samples alone.
  """
  rows, columns = jpeg_sampling.FACTORS[subsampling]
  if columns == 1:
    return planes
  # The library does not filter planes of one or two columns of samples, whichever their height.
  filtered = tf.shape(planes)[2] > 2 * columns
  planes = tf.linalg.matrix_transpose(_unfiltered(tf.linalg.matrix_transpose(planes), filtered))
  return _unfiltered(planes, filtered) if rows > 1 else planes


def padded(planes, axis, multiple):
  """Returns planes, float [B, H, W], whose last row (axis 1) or column (2) fills a multiple."""
  side = planes.shape[axis]
  if side is not None and side % multiple == 0:
    return planes
  length = tf.shape(planes)[axis]
  filled = -(-length // multiple) * multiple
  return tf.gather(planes, tf.minimum(tf.range(filled), length - 1), axis=axis)


def _mean_of_pairs(planes, axis):
  shape = tf.unstack(tf.shape(planes))
  shape[axis : axis + 1] = [shape[axis] // 2, 2]
  return tf.reduce_mean(tf.reshape(planes, shape), axis=axis + 1)


def _unfiltered(planes, filtered):
  """Returns the samples along axis 1 of which the filter made planes, [B, ceil(L / 2), W]."""
  length = tf.shape(planes)[1]
  means = _mean_of_pairs(padded(planes, 1, 2), 1)
  count = tf.shape(means)[1]
  share = tf.where(filtered, tf.constant(0.125, planes.dtype), 0.0)
  inner = tf.fill([count], share)
  first, last = (
    tf.one_hot(0, count, dtype=planes.dtype),
    tf.one_hot(count - 1, count, dtype=planes.dtype),
  )
  # An odd length leaves of the last pair its first pixel alone.
  odd = tf.cast(length % 2, planes.dtype) * share * last
  before = (inner + odd) * (1.0 - first)
  behind = inner * (1.0 - last)
  system = tf.stack([behind, 1.0 - before - behind, before])
  batch, _, width = tf.unstack(tf.shape(means))
  right = tf.reshape(tf.transpose(means, [1, 0, 2]), [count, batch * width])
  solved = tf.linalg.tridiagonal_solve(system, right)
  return tf.transpose(tf.reshape(solved, [count, batch, width]), [1, 0, 2])
