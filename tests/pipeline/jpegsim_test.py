import io

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.pipeline import jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables

_QUALITIES = (1, 5, 10, 25, 50, 75, 95, 100)


def _noise(height, width, channels, levels):
  """Returns noise of so many levels, the extremes among them: nothing strains arithmetic more."""
  drawn = np.random.default_rng(levels).integers(0, levels, (height, width, channels))
  return (drawn * (255 // (levels - 1))).astype(np.uint8)


def _tables(qualities):
  return np.stack([jpeg_tables.quantization_tables(quality) for quality in qualities])


def _images(photograph, height, width, channels):
  images = [photograph(height, width, number)[..., :channels] for number in range(2)]
  return np.stack([*images, *(_noise(height, width, channels, levels) for levels in (2, 256))])


def _round_trip(image, quality, subsampling):
  """Returns what libjpeg makes of an image, with the image's number of channels."""
  return codec.decode(codec.encode(image, quality, subsampling))[..., : image.shape[2]]


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
@pytest.mark.parametrize(
  ("height", "width"), [(48, 64), (61, 63), (17, 15), (33, 16), (9, 5), (7, 3), (1, 9), (1, 1)]
)
def test_pixels_are_those_of_libjpeg_to_the_last_bit(
  photograph, height, width, subsampling, channels
):
  # The examples of one batch have tables of their own.
  images = np.concatenate([_images(photograph, height, width, channels)] * 2)
  qualities = [*_QUALITIES[::2], *_QUALITIES[1::2]]
  restored = jpegsim.compress(images, _tables(qualities), subsampling)
  assert (restored.dtype, restored.shape) == (tf.uint8, images.shape)
  expected = [
    _round_trip(image, quality, subsampling)
    for image, quality in zip(images, qualities, strict=True)
  ]
  np.testing.assert_array_equal(restored.numpy(), expected)


@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
def test_any_tables_give_what_libjpeg_makes_of_them(photograph, subsampling):
  images = _images(photograph, 40, 56, 3)
  rng = np.random.default_rng(0)
  tables = rng.integers(1, 256, (4, 2, 8, 8))
  tables[1], tables[2] = 255, 1
  restored = jpegsim.compress(images, tables.astype(np.float32), subsampling).numpy()
  for image, steps, pixels in zip(images, tables, restored, strict=True):
    buffer = io.BytesIO()
    Image.fromarray(image).save(
      buffer,
      "JPEG",
      qtables=steps.reshape(2, 64).tolist(),
      subsampling=":".join(subsampling),
    )
    np.testing.assert_array_equal(pixels, codec.decode(buffer.getvalue()))


@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
def test_the_two_halves_make_the_whole(photograph, subsampling):
  images = _images(photograph, 33, 41, 3)
  tables = _tables([10, 30, 50, 90])
  blocks = jpegsim.coefficients(images, tables, subsampling)
  rows, columns = {"420": (3, 3), "422": (5, 3), "444": (5, 6)}[subsampling]
  assert [plane.shape for plane in blocks] == [
    (4, 5, 6, 8, 8),
    (4, rows, columns, 8, 8),
    (4, rows, columns, 8, 8),
  ]
  assert {plane.dtype for plane in blocks} == {tf.int32}
  np.testing.assert_array_equal(
    jpegsim.pixels(blocks, tables, 33, 41, subsampling),
    jpegsim.compress(images, tables, subsampling),
  )


def test_coefficients_are_near_those_of_the_standard(photograph):
  image = photograph(24, 32)[..., :1]
  basis = np.array(
    [[np.cos((2 * n + 1) * k * np.pi / 16) / 2 for n in range(8)] for k in range(8)]
  ) / np.array([[np.sqrt(2)]] + [[1]] * 7)
  blocks = image.reshape(3, 8, 4, 8).transpose(0, 2, 1, 3) - 128.0
  exact = basis @ blocks @ basis.T
  (found,) = jpegsim.coefficients(image[np.newaxis], np.ones((1, 2, 8, 8), np.int32))
  assert np.abs(found[0].numpy() - exact).max() < 0.7


def test_eager_graph_dataset_and_xla_agree(photograph):
  images = _images(photograph, 31, 48, 3)
  tables = _tables([5, 20, 60, 95])
  expected = jpegsim.compress(images, tables).numpy()
  compiled = tf.function(jpegsim.compress, jit_compile=True)
  np.testing.assert_array_equal(compiled(images, tables), expected)
  examples = tf.data.Dataset.from_tensor_slices((images, tables))
  # The size of the batch is not known while the graph is made.
  batch = next(iter(examples.batch(4).map(jpegsim.compress)))
  np.testing.assert_array_equal(batch, expected)
  batch = next(iter(examples.batch(4, drop_remainder=True).map(compiled)))
  np.testing.assert_array_equal(batch, expected)


def test_an_example_does_not_depend_on_its_batch(photograph):
  images = _images(photograph, 24, 24, 3)
  tables = _tables([5, 20, 60, 95])
  whole = jpegsim.compress(images, tables).numpy()
  for index in range(4):
    alone = jpegsim.compress(images[index : index + 1], tables[index : index + 1])
    np.testing.assert_array_equal(alone[0], whole[index])


@pytest.mark.parametrize("subsampling", jpeg_sampling.FACTORS)
def test_gray_pixels_stay_gray_and_are_those_of_the_gray_image(photograph, subsampling):
  gray = photograph(21, 37)[np.newaxis, ..., :1]
  tables = _tables([15])
  colour = jpegsim.compress(np.repeat(gray, 3, axis=3), tables, subsampling)
  alone = jpegsim.compress(gray, tables, subsampling)
  np.testing.assert_array_equal(colour, np.repeat(alone, 3, axis=3))


@pytest.mark.parametrize("level", [0, 64, 128, 255])
def test_a_constant_image_is_one_coefficient_per_block(level):
  images = np.full((1, 16, 24, 1), level, np.uint8)
  tables = _tables([50])
  (blocks,) = jpegsim.coefficients(images, tables)
  step = int(tables[0, 0, 0, 0])
  expected = np.zeros((1, 2, 3, 8, 8), np.int32)
  # Every such quotient ends in .5 for level 64 and 128 +- 1: halves go away from zero.
  expected[..., 0, 0] = np.sign(level - 128) * ((8 * abs(level - 128) + step // 2) // step)
  np.testing.assert_array_equal(blocks, expected)
  assert len(np.unique(jpegsim.compress(images, tables))) == 1


def test_compressing_again_changes_nothing_where_rounding_cannot_reach_the_next_cell(photograph):
  # Rounding to pixels moves a coefficient by 4 at most, and steps of 17 leave 8 to each side;
  # clamping would move it further, hence the contrast.
  images = (64 + photograph(32, 40)[np.newaxis, ..., :1] // 4).astype(np.uint8)
  tables = np.full((1, 2, 8, 8), 17, np.int32)
  once = jpegsim.compress(images, tables)
  assert once.numpy().min() > 0
  assert once.numpy().max() < 255
  np.testing.assert_array_equal(jpegsim.compress(once, tables), once)
  before, after = (jpegsim.coefficients(pixels, tables)[0] for pixels in (images, once))
  np.testing.assert_array_equal(before, after)


_IMAGES = np.zeros((2, 16, 16, 3), np.uint8)
_STEPS = np.ones((2, 2, 8, 8), np.int32)


@pytest.mark.parametrize(
  ("images", "tables", "subsampling", "message"),
  [
    (_IMAGES, _STEPS, "411", "subsampling must be one of 420, 422, 444, got '411'"),
    (_IMAGES.astype(np.float32), _STEPS, "420", "images must be uint8, got float32"),
    (_IMAGES[0], _STEPS, "420", r"static H and W, got \(16, 16, 3\)"),
    (_IMAGES[..., :2], _STEPS, "420", r"static H and W, got \(2, 16, 16, 2\)"),
    (_IMAGES[:, :0], _STEPS, "420", r"static H and W, got \(2, 0, 16, 3\)"),
    (_IMAGES, _STEPS[0], "420", r"tables must have shape \[2, 2, 8, 8\], got \[2, 8, 8\]"),
    (_IMAGES, _STEPS[:1], "420", r"tables must have shape \[2, 2, 8, 8\], got \[1, 2, 8, 8\]"),
  ],
)
def test_arguments_of_another_kind_are_refused(images, tables, subsampling, message):
  for function in (jpegsim.compress, jpegsim.coefficients):
    with pytest.raises(ValueError, match=message):
      function(images, tables, subsampling)


def test_sides_that_are_not_known_are_refused():
  function = tf.function(
    jpegsim.compress,
    input_signature=[
      tf.TensorSpec((None, None, 16, 3), tf.uint8),
      tf.TensorSpec((None, 2, 8, 8), tf.float32),
    ],
  )
  with pytest.raises(ValueError, match=r"static H and W, got \(None, None, 16, 3\)"):
    function.get_concrete_function()


def test_blocks_of_another_size_are_refused():
  blocks = jpegsim.coefficients(_IMAGES, _STEPS)
  with pytest.raises(ValueError, match="1 or 3 planes, got 2"):
    jpegsim.pixels(blocks[:2], _STEPS, 16, 16)
  with pytest.raises(ValueError, match=r"17x16 pixels must have shape \[None, 3, 2, 8, 8\]"):
    jpegsim.pixels(blocks, _STEPS, 17, 16)
  with pytest.raises(ValueError, match=r"must have shape \[None, 2, 2, 8, 8\], got \[2, 1, 1"):
    jpegsim.pixels(blocks, _STEPS, 16, 16, "444")


@pytest.mark.parametrize("step", [0.0, 256.0, 2.5, -1.0, np.nan])
def test_steps_that_no_stream_can_hold_are_refused_alone_and_inside_a_dataset(step):
  tables = np.ones((2, 2, 8, 8), np.float32)
  tables[1, 0, 3, 4] = step
  message = r"tables must hold integers in \[1, 255\]"
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    jpegsim.compress(_IMAGES, tables)
  dataset = tf.data.Dataset.from_tensors((_IMAGES, tables)).map(jpegsim.compress)
  with pytest.raises(tf.errors.InvalidArgumentError, match=message):
    next(iter(dataset))
