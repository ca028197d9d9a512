"""Keeps a restored photograph inside the quantisation cells of the JPEG file that it came from."""

from collections.abc import Iterator
import functools

import numpy as np
import tensorflow as tf

from deblock.model.cells import consistency, expectation
from deblock.records.jpeg import header as jpeg_header
from deblock.records.jpeg import sampling as jpeg_sampling

# A 4:2:0 file's chroma blocks cover 16x16 pixels: whole ones are projected as in the whole image.
GRID = 16
# Chroma is found again by undoing the decoder's smoothing, of which a sample has a part of
# (3 - 8 ** 0.5) ** n in one n samples away: after 16 of them 6e-13.
_HALO = 32
_SIDE = 768  # Of what is projected at a time; bounds the memory.
# Cutting an image to [0, 1] moves coefficients out again, and projecting it samples. By turns both
# come near to an image that is in both. After the way to the expectation three rounds put right two
# fifths of the coefficients that are not the file's, and gain 0.01 dB at quality 40, 0.03 at 75.
_ROUNDS = 3
_WHOLE = "444"  # Of planes that are not sampled: luma, and gray.


def project(
  restored: np.ndarray, levels: np.ndarray, header: jpeg_header.JpegHeader, top: int, left: int
) -> np.ndarray:
  """Returns a part of a restored image whose coefficients lie in the cells of the file's.

  They lie where `model.expectation` puts them, far enough inside that rounding to 8 bits takes few
  of them out again; what the border cuts of a block stays as it is. The parts of an image are
  projected as the whole would be.

  Args:
    restored: float32 [h, w, 3] in [0, 1] or so, or [h, w] gray.
    levels: uint8 [H, W, 3] or [H, W], the whole image as `jpeg_levels.decode` returns it.
    header: of the file.
    top: the part's first row in the image, a multiple of 16.
    left: its first column, the same.
  Returns:
    float32 of the same shape, which [0, 1] does not bound.
  Raises:
    ValueError: if the part begins or ends within a block of chroma.
  """
  for first, length, whole in zip((top, left), restored.shape, levels.shape, strict=False):
    if first % GRID or ((first + length) % GRID and first + length != whole):
      raise ValueError(
        f"a part must begin and end on multiples of {GRID}, or where the image ends, got "
        f"{first} to {first + length} of {whole}."
      )
  made = np.empty_like(restored)
  for rows, columns in _squares(restored.shape):
    square = restored[rows, columns]
    height, width = square.shape[:2]
    window, above, before = _window(levels, top + rows.start, left + columns.start, height, width)
    square = square.reshape(1, height, width, -1)
    projected = _projection(header.subsampling or _WHOLE)[square.shape[-1]](
      square,
      window,
      np.asarray(header.tables, np.float32)[np.newaxis],
      above,
      before,
    ).numpy()
    made[rows, columns] = projected.reshape(made[rows, columns].shape)
  return made


def _squares(shape) -> Iterator[tuple[slice, slice]]:
  """Yields the rows and the columns of each part that is projected at a time."""
  height, width = shape[:2]
  for top in range(0, height, _SIDE):
    for left in range(0, width, _SIDE):
      yield slice(top, min(top + _SIDE, height)), slice(left, min(left + _SIDE, width))


def _window(levels, top, left, height, width):
  """Returns the levels of some pixels and round them, float32 [1, h, w, C], and their place."""
  above, before = min(top, _HALO), min(left, _HALO)
  window = levels[top - above : top + height + _HALO, left - before : left + width + _HALO]
  window = window.astype(np.float32).reshape(1, *window.shape[:2], -1)
  return window, np.int32(above), np.int32(before)


@functools.cache
def _projection(subsampling):
  """Returns the projection of a square, compiled: of a small one nearly all time is overhead."""

  def project_square(square, window, tables, above, before):
    cells = _cells(tf.unstack(window, axis=-1), tables, subsampling, above, before)

    def project_once(image):
      inside = tf.clip_by_value(image, 0.0, 1.0)
      made = consistency.project(inside, cells, subsampling, consistency.TIGHTEST)
      return (tf.ensure_shape(made, square.shape),)

    expected = expectation.expect(tf.clip_by_value(square, 0.0, 1.0), cells, subsampling)
    expected = tf.ensure_shape(expected, square.shape)
    # Of the graph, so that the rounds are traced once.
    (made,) = tf.while_loop(
      lambda image: True, project_once, (expected,), maximum_iterations=_ROUNDS
    )
    return made

  return {
    channels: tf.function(
      project_square,
      input_signature=[
        tf.TensorSpec((1, None, None, channels), tf.float32),
        tf.TensorSpec((1, None, None, channels), tf.float32),
        tf.TensorSpec((1, 2, jpeg_sampling.BLOCK, jpeg_sampling.BLOCK), tf.float32),
        tf.TensorSpec((), tf.int32),
        tf.TensorSpec((), tf.int32),
      ],
      # Rewriting Python takes a temporary file: a full disk would be no place for it.
      autograph=False,
    )
    for channels in (1, 3)
  }


def _cells(decoded, tables, subsampling, above, before):
  """Returns the cells of the blocks from a pixel of the planes on."""
  made = []
  found = consistency.decoded_cells(decoded, tables, subsampling)
  for index, (low, high) in enumerate(found):
    rows, columns = jpeg_sampling.FACTORS[subsampling if index else _WHOLE]
    row = above // (rows * jpeg_sampling.BLOCK)
    column = before // (columns * jpeg_sampling.BLOCK)
    made.append(consistency.Cells(low[:, row:, column:], high[:, row:, column:]))
  return made
