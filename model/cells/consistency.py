"""Keeps a restored image inside what its JPEG says: the projection onto the quantisation cells.

A file holds, for each block and frequency, an integer k; its original's coefficient c was within
half a step q of k q, since k is c / q rounded. The cells so described are a convex set, the DCT is
orthonormal, and so moving each coefficient to the nearest point of its cell is the orthogonal
projection, which brings a plane nearer to every plane inside, the original's among them: on that
plane the squared error never grows. (Projection onto the constraint set: Zakhor, IEEE TCSVT 1992.)

From RGB to the planes and back: luma and chroma are linear in RGB, and chroma at its own resolution
is the mean of 2x2 pixels. What the projection changes of a plane is added to the image, to all
pixels of a sample alike. The mean of equal changes is the change, so the planes of the result are
the projected planes; an image inside its cells stays as it is, its detail of colour too; and among
all images with these planes that is the nearest in luma, Cb and Cr of every pixel. In RGB, which is
not orthogonal to these, nothing of the kind is certain, though it is what happens. The decoder's
smooth upsampling would not do: its mean is not what was put in.

Blocks that reach over the border are completed as the encoder does, projected and cut off, so that
their error is bounded by that of the completed block before.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from deblock.model.cells import block_dct, planes
from deblock.records.jpeg import sampling as jpeg_sampling

_BLOCK = jpeg_sampling.BLOCK
# The encoder saw whole numbers where planes here are real ones: rounding moves a coefficient by 0.3
# or so. Shares of the luma coefficients of 41 originals that lie outside their cells by more than a
# tolerance, at quality 10, 40, 75 and 95 (chroma, 4:2:0, has a quarter to a half of them):
#   0      4e-4  2e-3  8e-3  6e-2
#   0.5    4e-5  2e-4  6e-4  4e-3
#   1      7e-6  4e-5  9e-5  4e-4
#   4      none; 64 roundings of half a level, all alike, are 4 in the first coefficient.
# The wider, the less is gained; and what 0.5 leaves outside is moved by less than a level.
TOLERANCE = 0.5
# Below nought, coefficients end that far inside: rounding pixels to 8 bits then moves few of them
# out again, and compressing the image gives the file again but for those.
TIGHTEST = -0.5
# A coefficient recovered from pixels is believed within this share of a step, or one level, of a
# multiple. A wider share finds more, and five times as many wrong ones at half a step.
_DOUBT = 0.25


class Cells(NamedTuple):
  """Where the DCT coefficients of one plane's original lie.

  Attributes:
    low: float32 [B, rows, columns, 8, 8], blocks of the plane's own resolution that hold pixels,
      natural order; -inf where nothing is known.
    high: same; +inf where nothing is known.
  """

  low: tf.Tensor
  high: tf.Tensor


def cells(coefficients: Sequence, tables) -> tuple[Cells, ...]:
  """Returns the cells of quantised coefficients.

  Args:
    coefficients: of Y, or of Y, Cb and Cr, integers of any type, [B, rows, columns, 8, 8] as
      `pipeline.jpegsim.coefficients` returns them.
    tables: [B, 2, 8, 8], steps of luma and chroma in [1, 255].
  Raises:
    ValueError: if the planes are neither 1 nor 3, or a shape is another.
  """
  if len(coefficients) not in (1, 3):
    raise ValueError(f"coefficients must be those of 1 or 3 planes, got {len(coefficients)}.")
  made = []
  for integers, steps in zip(coefficients, _steps(tables), strict=False):
    integers = tf.cast(integers, tf.float32)
    if not integers.shape.is_compatible_with([None, None, None, 8, 8]):
      raise ValueError(
        f"coefficients must have shape [B, rows, columns, 8, 8], got {integers.shape.as_list()}."
      )
    made.append(Cells((integers - 0.5) * steps, (integers + 0.5) * steps))
  return tuple(made)


def recovered_cells(compressed, tables, subsampling: str | None = "420") -> tuple[Cells, ...]:
  """Returns the cells of a JPEG of which there are pixels alone.

  Decoding is undone: luma and chroma are integers, hence are known once rounded, wherever RGB was
  not cut to its range; the decoder's smoothing is inverted; and coefficients are near multiples of
  their steps. One that is not, or that belongs to a block which the border cuts, is left unknown.

  Args:
    compressed: float [B, H, W, 3] in [0, 1], or [B, H, W, 1] gray; the block grid, of chroma too,
      starts at the first pixel.
    tables: [B, 2, 8, 8].
    subsampling: "444", "422" or "420"; None where it is unknown or the chroma grid may start
      elsewhere, as in crops that are aligned to blocks of luma only: cells of luma alone are found.
  Raises:
    ValueError: if an argument is none of these.
  """
  compressed = tf.cast(_checked(compressed), tf.float32)
  if compressed.shape[3] == 1:
    return decoded_cells([255.0 * compressed[..., 0]], tables)
  return decoded_cells(planes.from_rgb(compressed), tables, subsampling)


def decoded_cells(decoded: Sequence, tables, subsampling: str | None = "420") -> tuple[Cells, ...]:
  """Returns the cells of a JPEG of which there are the decoded planes, before they became RGB.

  Args:
    decoded: Y, or Y, Cb and Cr of every pixel, float32 [B, H, W], in levels.
    tables: [B, 2, 8, 8].
    subsampling: as in `recovered_cells`.
  Raises:
    ValueError: as `recovered_cells`.
  """
  luma, *chroma = decoded
  if subsampling is None:
    chroma = []
  else:
    chroma = [planes.without_smoothing(plane, jpeg_sampling.check(subsampling)) for plane in chroma]
  made = []
  for plane, steps in zip([luma, *chroma], _steps(tables), strict=False):
    samples = tf.clip_by_value(tf.round(plane), 0.0, 255.0)
    whole = planes.padded(planes.padded(samples, 1, _BLOCK), 2, _BLOCK)
    found = block_dct.forward(whole - planes.CENTRE)
    nearest = tf.round(found / steps) * steps
    known = (tf.abs(found - nearest) <= tf.maximum(1.0, _DOUBT * steps)) & _inside(samples, whole)
    low, high = nearest - 0.5 * steps, nearest + 0.5 * steps
    infinity = tf.constant(float("inf"), tf.float32)
    made.append(
      Cells(
        tf.stop_gradient(tf.where(known, low, -infinity)),
        tf.stop_gradient(tf.where(known, high, infinity)),
      )
    )
  return tuple(made)


def project(restored, plane_cells: Sequence[Cells], subsampling="420", tolerance=TOLERANCE):
  """Returns images whose planes lie in their cells, as near to the given ones as may be.

  Differentiable: a coefficient that is moved has no gradient, all others have theirs.

  Args:
    restored: float [B, H, W, 3], or [B, H, W, 1] gray; the block grid starts at the first pixel.
    plane_cells: of luma, or of luma, Cb and Cr; chroma without cells stays as it is.
    subsampling: "444", "422" or "420", of the JPEG.
    tolerance: by how much a coefficient may lie outside, in the unit of the tables; if negative, by
      how much it must lie inside, `TIGHTEST` at most.
  Returns:
    float of the same type and shape, which [0, 1] does not bound.
  Raises:
    ValueError: if a static shape, the subsampling or the tolerance is none of these.
    InvalidArgumentError: in the graph, if the cells are not those of the images' blocks.
  """
  if not tolerance >= TIGHTEST:
    raise ValueError(
      f"tolerance must be at least {TIGHTEST:g}, half the smallest step, got {tolerance}."
    )
  return move(
    restored,
    plane_cells,
    subsampling,
    lambda _, samples, bounds: project_plane_change(samples, bounds, tolerance),
  )


def move(restored, plane_cells: Sequence[Cells], subsampling: str, change_of: Callable):
  """Returns images whose planes, each in its own resolution, were changed by their cells.

  Args:
    restored: as in `project`.
    plane_cells: the same.
    subsampling: the same.
    change_of: (number of the plane, its samples, its cells) to what is added to the samples, which
      are float32 [B, h, w] in levels.
  Returns:
    float of the same type and shape as the images, which [0, 1] does not bound.
  Raises:
    ValueError: if a static shape or the subsampling is none of these.
  """
  jpeg_sampling.check(subsampling)
  images = tf.cast(_checked(restored), tf.float32)
  gray = images.shape[3] == 1
  if len(plane_cells) not in (1,) if gray else len(plane_cells) not in (1, 3):
    raise ValueError(
      f"cells must be those of {'1 plane' if gray else '1 or 3 planes'}, got {len(plane_cells)}."
    )
  height, width = tf.unstack(tf.shape(images)[1:3])
  every = [255.0 * images[..., 0]] if gray else planes.from_rgb(images)
  changes = []
  for index, (plane, bounds) in enumerate(zip(every, plane_cells, strict=False)):
    sampled = subsampling if index else "444"
    change = change_of(index, planes.downsample(plane, sampled), bounds)
    changes.append(planes.spread(change, sampled, height, width))
  if gray:
    change = changes[0][..., tf.newaxis] / 255.0
  else:
    nothing = tf.zeros_like(changes[0])
    change = planes.to_rgb_change(*(changes if len(changes) == 3 else [*changes, nothing, nothing]))
  return restored + tf.cast(change, restored.dtype)


def project_plane(samples, bounds: Cells, tolerance=TOLERANCE):
  """Returns the plane inside the cells that is nearest to a plane.

  Args:
    samples: float32 [B, H, W], in levels of 0 to 255; H and W are multiples of 8.
    bounds: the plane's cells.
    tolerance: as in `project`.
  """
  return samples + project_plane_change(samples, bounds, tolerance)


def project_plane_change(samples, bounds: Cells, tolerance=TOLERANCE):
  """Returns what `project_plane` adds to the plane, of the same shape."""

  def inside(coefficients, low, high):
    return tf.clip_by_value(coefficients, low - tolerance, high + tolerance)

  return plane_change(samples, bounds, inside)


def plane_change(samples, bounds: Cells, moved: Callable):
  """Returns what is to be added to a plane for its coefficients to be moved.

  Args:
    samples: as in `project_plane`.
    bounds: the same.
    moved: (coefficients, low, high), each [B, rows, columns, 8, 8], to the moved coefficients.
  """
  coefficients = block_dct.forward(samples - planes.CENTRE)
  rows, columns = tf.unstack(tf.shape(coefficients)[1:3])
  # A file's last coded units may hold blocks without any pixel.
  low, high = (bound[:, :rows, :columns] for bound in bounds)
  check = tf.debugging.assert_equal(
    tf.shape(low), tf.shape(coefficients), message="the cells are not those of the plane's blocks"
  )
  with tf.control_dependencies([check] if check is not None else []):
    return block_dct.inverse(moved(coefficients, low, high) - coefficients)


def _checked(images):
  images = tf.convert_to_tensor(images)
  if images.shape.rank != 4 or images.shape[3] not in (1, 3) or not images.dtype.is_floating:
    raise ValueError(
      f"images must be float [B, H, W, 3] or [B, H, W, 1], got {images.dtype.name} {images.shape}."
    )
  return images


def _steps(tables):
  """Returns the steps of Y, Cb and Cr, each float32 [B, 1, 1, 8, 8]."""
  tables = tf.cast(tables, tf.float32)
  if not tables.shape.is_compatible_with([None, 2, _BLOCK, _BLOCK]):
    raise ValueError(f"tables must have shape [B, 2, 8, 8], got {tables.shape.as_list()}.")
  luma, chroma = (steps[:, tf.newaxis, tf.newaxis] for steps in tf.unstack(tables, axis=1))
  return luma, chroma, chroma


def _inside(samples, whole):
  """Returns which blocks of the padded planes hold real samples only, bool [1, R, C, 1, 1]."""
  sides = []
  for axis in (1, 2):
    count = tf.shape(whole)[axis] // _BLOCK
    sides.append(tf.range(count) < tf.shape(samples)[axis] // _BLOCK)
  return (sides[0][:, tf.newaxis] & sides[1])[tf.newaxis, ..., tf.newaxis, tf.newaxis]
