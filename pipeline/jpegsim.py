"""JPEG compression as batched tensor operations, without entropy coding.

Equal to libjpeg-turbo as `records.jpeg.codec` calls it, bit for bit and for any tables: entropy
coding is lossless, so it can be omitted. Made for XLA and batches of 16 crops or more; eager
execution and plain graphs take several times as long. `make bench PART=jpeg` measures both.
"""

import tensorflow as tf

from deblock.pipeline import chroma, dct
from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK


def compress(images, tables, subsampling="420"):
  """Returns the decoded JPEGs of images.

  Args:
    images: uint8 [B, H, W, 3] RGB, or [B, H, W, 1] gray; H and W are static, and may be any.
    tables: [B, 2, 8, 8], integers in [1, 255] of any numeric type: the quantisation steps of luma
      and chroma, natural order. Gray images use the first alone.
    subsampling: "420", "422" or "444", of the chroma; gray images have none.
  Returns:
    uint8, same shape as the images.
  Raises:
    ValueError: for any other static shape, type or subsampling.
    InvalidArgumentError: in the graph, for any other tables; XLA omits this check.
  """
  images = _checked_images(images)
  steps = _steps(tables, images.shape[0], images.shape[3], subsampling)
  planes = _quantized(images, steps, subsampling)
  return _decoded(planes, steps, images.shape[1], images.shape[2], subsampling)


def coefficients(images, tables, subsampling="420"):
  """Returns the quantised coefficients of the JPEGs of images.

  Args:
    images: as in `compress`.
    tables: as in `compress`.
    subsampling: as in `compress`.
  Returns:
    A tuple of int32 [B, rows, columns, 8, 8], the blocks of Y, Cb and Cr, or of Y alone for gray
    images; natural order, row = vertical frequency. Only blocks that hold pixels are returned; a
    stream may have more, to fill its last minimum coded units.
  Raises:
    ValueError, InvalidArgumentError: as `compress`.
  """
  images = _checked_images(images)
  steps = _steps(tables, images.shape[0], images.shape[3], subsampling)
  luma, *colours = _quantized(images, steps, subsampling)
  planes = [luma, *(half for plane in colours for half in tf.split(plane, 2, axis=1))]
  return tuple(tf.cast(dct.to_blocks(plane), tf.int32) for plane in planes)


def pixels(blocks, tables, height, width, subsampling="420"):
  """Returns the pixels of quantised coefficients, as a decoder computes them.

  Args:
    blocks: as `coefficients` returns them, of any numeric type.
    tables: as in `compress`.
    height: of the images.
    width: of the images.
    subsampling: as in `compress`.
  Returns:
    uint8 [B, height, width, 3], or [B, height, width, 1] of luma alone.
  Raises:
    ValueError, InvalidArgumentError: as `compress`; ValueError too for another number of planes
      than 1 and 3, or of rows and columns than this size has.
  """
  blocks = [tf.cast(plane, tf.float32) for plane in blocks]
  if len(blocks) not in (1, 3):
    raise ValueError(f"blocks must be those of 1 or 3 planes, got {len(blocks)}.")
  steps = _steps(tables, blocks[0].shape[0], len(blocks), subsampling)
  sizes = [_sampled(height, width, plane, subsampling) for plane in range(len(blocks))]
  for plane, size in zip(blocks, sizes, strict=True):
    expected = [None, *(-(-side // _BLOCK) for side in size), _BLOCK, _BLOCK]
    if not plane.shape.is_compatible_with(expected) or None in plane.shape[1:]:
      raise ValueError(
        f"blocks of a plane of {height}x{width} pixels must have shape {expected}, "
        f"got {plane.shape.as_list()}."
      )
  luma, *colours = (dct.from_blocks(plane) for plane in blocks)
  planes = [luma, tf.concat(colours, 1)] if colours else [luma]
  return _decoded(planes, steps, height, width, subsampling)


def _quantized(images, steps, subsampling):
  """Returns the coefficients of luma [H, B, W] and, of RGB images, of chroma [h, 2 * B, w]."""
  if images.shape[3] == 1:
    planes = [tf.cast(tf.transpose(images[..., 0], [1, 0, 2]), tf.float32)]
  else:
    luma, colours = chroma.from_rgb(images)
    planes = [luma, chroma.downsample(colours, subsampling)]
  padded = [chroma.repeat_last(chroma.repeat_last(p, 0, _BLOCK), 2, _BLOCK) for p in planes]
  return [
    dct.quantize(dct.forward(plane - 128), step) for plane, step in zip(padded, steps, strict=True)
  ]


def _decoded(planes, steps, height, width, subsampling):
  samples = [
    tf.clip_by_value(dct.inverse(dct.dequantize(plane, step)) + 128, 0.0, 255.0)
    for plane, step in zip(planes, steps, strict=True)
  ]
  if len(samples) == 1:
    gray = tf.cast(samples[0][:height, :, :width], tf.uint8)
    return tf.transpose(gray, [1, 0, 2])[..., tf.newaxis]
  rows, columns = _sampled(height, width, 1, subsampling)
  colours = chroma.upsample(samples[1][:rows, :, :columns], height, width, subsampling)
  return chroma.to_rgb(samples[0][:height, :, :width], colours)


def _sampled(height, width, plane, subsampling):
  rows, columns = jpeg_sampling.FACTORS[subsampling] if plane else (1, 1)
  return -(-height // rows), -(-width // columns)


def _checked_images(images):
  images = tf.convert_to_tensor(images)
  if images.dtype != tf.uint8:
    raise ValueError(f"images must be uint8, got {images.dtype.name}.")
  shape = images.shape
  if shape.rank != 4 or shape[3] not in (1, 3) or not shape[1] or not shape[2]:
    raise ValueError(
      f"images must have shape [B, H, W, 3] or [B, H, W, 1] with static H and W, got {shape}."
    )
  return images


def _steps(tables, count, channels, subsampling):
  """Returns the steps of luma, float32 [B, 8, 8], and for colours of chroma, [2 * B, 8, 8]."""
  jpeg_sampling.check(subsampling)
  tables = tf.convert_to_tensor(tables)
  if not tables.shape.is_compatible_with([count, 2, _BLOCK, _BLOCK]):
    raise ValueError(
      f"tables must have shape [{count or 'B'}, 2, 8, 8], got {tables.shape.as_list()}."
    )
  steps = tf.cast(tables, tf.float32)
  check = tf.debugging.assert_equal(
    steps,
    # Only integers in range survive this round trip; NaN does not.
    tf.clip_by_value(tf.round(steps), 1.0, 255.0),
    message="tables must hold integers in [1, 255]",
  )
  with tf.control_dependencies([check] if check is not None else []):
    luma, colours = tf.unstack(tf.ensure_shape(steps, [count, 2, _BLOCK, _BLOCK]), axis=1)
  return [luma] if channels == 1 else [luma, tf.tile(colours, [2, 1, 1])]
