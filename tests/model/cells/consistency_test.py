import io

import numpy as np
from PIL import Image
import pytest
from scipy import ndimage
import tensorflow as tf

from deblock.model import metrics
from deblock.model.cells import block_dct, consistency, planes
from deblock.pipeline import chroma, jpegsim
from deblock.records.jpeg import codec
from deblock.records.jpeg import sampling as jpeg_sampling
from deblock.records.jpeg import tables as jpeg_tables

EVERY = ["420", "422", "444", "gray"]
LOOSE = 4.0  # No original lies farther outside.


def _float(image):
  return tf.constant(image[np.newaxis] / np.float32(255.0))


def _tables(quality):
  return jpeg_tables.quantization_tables(quality)[np.newaxis]


def _case(photograph, kind, quality, height=64, width=80):
  """Returns a clean image, its decoded JPEG, both uint8, its cells and its subsampling."""
  clean = photograph(height, width)
  clean = codec.to_gray(clean) if kind == "gray" else clean
  sampled = "444" if kind == "gray" else kind
  integers = jpegsim.coefficients(clean[np.newaxis], _tables(quality), sampled)
  decoded = codec.decode(codec.encode(clean, quality, sampled))[..., : clean.shape[2]]
  return clean, decoded, consistency.cells(integers, _tables(quality)), sampled


def _outputs(clean, decoded):
  """Yields what a network might make of a JPEG: noise, blur, other images."""
  random = np.random.default_rng(0)
  yield np.float32(random.uniform(-0.5, 1.5, clean.shape))
  yield np.float32(ndimage.gaussian_filter(decoded / 255.0, (1.5, 1.5, 0.0)))
  yield np.float32(decoded / 255.0 + random.normal(0.0, 0.05, clean.shape))
  yield np.float32(clean[::-1] / 255.0)


def _own_planes(images, sampled):
  """Returns the planes of images [1, H, W, C] at their own resolution."""
  if images.shape[3] == 1:
    return [planes.downsample(255.0 * images[..., 0], "444")]
  every = planes.from_rgb(images)
  return [
    planes.downsample(plane, sampled if index else "444") for index, plane in enumerate(every)
  ]


def _encoders_planes(clean, sampled):
  """Returns the whole numbers that libjpeg transforms, float32 [1, h, w] each."""
  if clean.shape[2] == 1:
    return [tf.constant(clean[np.newaxis, ..., 0], tf.float32)]
  luma, colours = chroma.from_rgb(tf.constant(clean[np.newaxis]))
  both = tf.split(chroma.downsample(colours, sampled), 2, axis=1)
  return [tf.transpose(plane, [1, 0, 2]) for plane in (luma, *both)]


def _squared(one, other):
  return float(tf.reduce_sum(tf.math.squared_difference(one, other)))


@pytest.mark.parametrize("quality", [10, 95])
@pytest.mark.parametrize("kind", EVERY)
def test_the_clean_image_is_a_fixed_point(photograph, kind, quality):
  clean, _, bounds, sampled = _case(photograph, kind, quality)
  image = _float(clean)
  loose = consistency.project(image, bounds, sampled, LOOSE)
  np.testing.assert_array_equal(loose.numpy(), image.numpy())
  made = consistency.project(image, bounds, sampled)
  np.testing.assert_array_equal(np.rint(255.0 * made[0].numpy()), clean)


@pytest.mark.parametrize("kind", EVERY)
def test_projecting_twice_is_projecting_once_and_ends_inside(photograph, kind):
  clean, decoded, bounds, sampled = _case(photograph, kind, 20)
  for image in _outputs(clean, decoded):
    once = consistency.project(image[np.newaxis], bounds, sampled)
    assert np.abs(once[0] - image).max() > 5e-3
    twice = consistency.project(once, bounds, sampled)
    np.testing.assert_allclose(twice.numpy(), once.numpy(), atol=2e-5)
    for plane, (low, high) in zip(_own_planes(once, sampled), bounds, strict=True):
      found = block_dct.forward(plane - 128.0)
      assert tf.reduce_min(found - low) > -consistency.TOLERANCE - 5e-3
      assert tf.reduce_max(found - high) < consistency.TOLERANCE + 5e-3


@pytest.mark.parametrize("quality", [5, 60])
@pytest.mark.parametrize("kind", EVERY)
def test_no_planes_squared_error_grows(photograph, kind, quality):
  clean, decoded, bounds, sampled = _case(photograph, kind, quality)
  exact = _own_planes(_float(clean), sampled)
  shares = []
  for image in _outputs(clean, decoded):
    before = _own_planes(tf.constant(image[np.newaxis]), sampled)
    loose = _own_planes(consistency.project(image[np.newaxis], bounds, sampled, LOOSE), sampled)
    tight = _own_planes(consistency.project(image[np.newaxis], bounds, sampled), sampled)
    for index, whole in enumerate(_encoders_planes(clean, sampled)):
      error = _squared(before[index], exact[index])
      assert _squared(loose[index], exact[index]) <= error * (1 + 1e-6)
      # The default tolerance is for the whole numbers that the encoder saw.
      error = _squared(before[index], whole)
      assert _squared(tight[index], whole) <= error * (1 + 1e-6)
      shares.append(_squared(tight[index], whole) / error)
  assert np.median(shares) < 0.99


@pytest.mark.parametrize("kind", ["420", "422"])
def test_only_what_has_to_change_does(photograph, kind):
  clean, decoded, bounds, sampled = _case(photograph, kind, 20)
  image = next(_outputs(clean, decoded))[np.newaxis]
  made = consistency.project(image, bounds, sampled)
  for before, after, bound in zip(
    _own_planes(tf.constant(image), sampled), _own_planes(made, sampled), bounds, strict=True
  ):
    expected = consistency.project_plane(before, bound)
    np.testing.assert_allclose(after.numpy(), expected.numpy(), atol=5e-3)
  luma_alone = consistency.project(image, bounds[:1], sampled)
  for before, after in zip(
    planes.from_rgb(image)[1:], planes.from_rgb(luma_alone)[1:], strict=True
  ):
    np.testing.assert_allclose(after.numpy(), before.numpy(), atol=5e-3)
  # All pixels of a sample of chroma change alike.
  change = (planes.from_rgb(made)[1] - planes.from_rgb(image)[1]).numpy()
  np.testing.assert_allclose(change[:, :, ::2], change[:, :, 1::2], atol=5e-3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 9), (17, 35)])
@pytest.mark.parametrize("kind", ["420", "gray"])
def test_images_of_any_size(photograph, kind, height, width):
  clean, decoded, bounds, sampled = _case(photograph, kind, 20, height, width)
  projected = tf.function(
    lambda image: consistency.project(image, bounds, sampled, LOOSE),
    input_signature=[tf.TensorSpec((None, None, None, clean.shape[2]), tf.float32)],
  )
  np.testing.assert_array_equal(projected(_float(clean)).numpy(), _float(clean).numpy())
  exact = _own_planes(_float(clean), sampled)
  for image in _outputs(clean, decoded):
    made = projected(image[np.newaxis])
    assert made.shape == (1, *clean.shape)
    before = _own_planes(tf.constant(image[np.newaxis]), sampled)
    real = [(height, width)] + [
      tuple(
        -(-side // by)
        for side, by in zip((height, width), jpeg_sampling.FACTORS[sampled], strict=True)
      )
    ] * 2
    for index, after in enumerate(_own_planes(made, sampled)):
      rows, columns = real[index]
      error = _squared(after[:, :rows, :columns], exact[index][:, :rows, :columns])
      assert error <= _squared(before[index], exact[index]) * (1 + 1e-6)


def test_as_a_file_it_contradicts_the_jpeg_by_no_more_than_rounding(photograph):
  _, decoded, bounds, sampled = _case(photograph, "420", 20)
  blurred = np.float32(ndimage.gaussian_filter(decoded / 255.0, (2.0, 2.0, 0.0)))[np.newaxis]

  def outside(images):
    levels = metrics.quantize(tf.constant(images))
    return max(
      float(tf.reduce_max(tf.maximum(low - found, found - high)))
      for (low, high), found in zip(
        bounds,
        (block_dct.forward(plane - 128.0) for plane in _own_planes(levels, sampled)),
        strict=True,
      )
    )

  assert outside(blurred) > 20.0
  assert outside(consistency.project(blurred, bounds, sampled).numpy()) < 2.5


def test_a_negative_tolerance_gives_the_file_again(photograph):
  clean, decoded, bounds, _ = _case(photograph, "420", 20)
  tables = _tables(20)
  integers = jpegsim.coefficients(clean[np.newaxis], tables)
  blurred = np.float32(ndimage.gaussian_filter(decoded / 255.0, (2.0, 2.0, 0.0)))[np.newaxis]

  def unlike(images):
    levels = np.uint8(np.rint(255.0 * np.clip(images, 0.0, 1.0)))
    again = jpegsim.coefficients(levels, tables)
    return sum(np.count_nonzero(a != b) for a, b in zip(again, integers, strict=True))

  before = unlike(blurred)
  assert before > 200
  tight = consistency.project(blurred, bounds, tolerance=consistency.TIGHTEST)
  assert unlike(tight.numpy()) < 0.2 * before


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("quality", [10, 75])
def test_cells_are_recovered_from_the_pixels(photograph, kind, quality):
  _, decoded, bounds, sampled = _case(photograph, kind, quality, 96, 112)
  found = consistency.recovered_cells(_float(decoded), _tables(quality), sampled)
  assert len(found) == len(bounds)
  for (low, high), (true_low, true_high) in zip(found, bounds, strict=True):
    known = np.isfinite(low)
    np.testing.assert_array_equal(known, np.isfinite(high))
    assert known.mean() > 0.99
    wrong = known & ((low != true_low) | (high != true_high)).numpy()
    assert wrong.mean() < 2e-3


def test_the_decoders_own_planes_tell_more_than_rgb(photograph):
  clean, decoded, bounds, _ = _case(photograph, "420", 75, 160, 176)
  with Image.open(io.BytesIO(codec.encode(clean, 75))) as picture:
    picture.draft("YCbCr", picture.size)
    levels = np.array(picture).astype(np.float32)
  own = [levels[np.newaxis, ..., plane] for plane in range(3)]
  tables = _tables(75)

  def right(found):
    equal = [np.ravel(one.low == other.low) for one, other in zip(found, bounds, strict=True)]
    return np.mean(np.concatenate(equal))

  from_planes = right(consistency.decoded_cells(own, tables))
  from_rgb = right(consistency.recovered_cells(_float(decoded), tables))
  assert 1.0 > from_planes > 0.995
  assert 1.0 - from_planes < 0.7 * (1.0 - from_rgb)


def test_blocks_that_the_border_cuts_are_not_recovered(photograph):
  _, decoded, _, _ = _case(photograph, "420", 20, 44, 60)
  luma, cb, _ = consistency.recovered_cells(_float(decoded), _tables(20))
  assert (luma.low.shape, cb.low.shape) == ((1, 6, 8, 8, 8), (1, 3, 4, 8, 8))
  for bounds, rows, columns in ((luma, 5, 7), (cb, 2, 3)):
    known = np.isfinite(bounds.low)
    assert known[:, :rows, :columns].mean() > 0.99
    known[:, :rows, :columns] = False
    assert not known.any()


def test_gradients_pass_where_nothing_is_moved_and_only_there():
  random = np.random.default_rng(0)
  image = tf.constant(random.uniform(0.2, 0.8, (1, 16, 16, 3)), tf.float32)
  weights = tf.constant(random.normal(size=image.shape), tf.float32)
  shapes = [(1, 2, 2, 8, 8), (1, 1, 1, 8, 8), (1, 1, 1, 8, 8)]

  def gradient(bounds):
    with tf.GradientTape() as tape:
      tape.watch(image)
      total = tf.reduce_sum(weights * consistency.project(image, bounds, tolerance=0.0))
    return tape.gradient(total, image)

  endless = [consistency.Cells(tf.fill(s, -np.inf), tf.fill(s, np.inf)) for s in shapes]
  np.testing.assert_allclose(gradient(endless).numpy(), weights.numpy(), atol=1e-5)
  points = [consistency.Cells(tf.zeros(shape), tf.zeros(shape)) for shape in shapes]
  # With all coefficients fixed, what is left is detail of chroma below its samples.
  left = planes.from_rgb(gradient(points) / 255.0)
  assert np.abs(gradient(points)).max() > 0.1
  fixed = gradient([points[0], *endless[1:]])
  ones = tf.reduce_sum(fixed, axis=-1)
  np.testing.assert_allclose(ones.numpy(), 0.0, atol=1e-4)
  assert np.isfinite(left[0]).all()


def test_images_of_a_batch_have_their_own_tables_and_cells(photograph):
  cases = [_case(photograph, "420", quality, 32, 48) for quality in (10, 60)]
  together = tf.concat([_float(1.0 - decoded) for _, decoded, _, _ in cases], 0)
  compressed = tf.concat([_float(decoded) for _, decoded, _, _ in cases], 0)
  tables = np.concatenate([_tables(10), _tables(60)])
  made = consistency.project(together, consistency.recovered_cells(compressed, tables))
  for index, quality in enumerate((10, 60)):
    one = slice(index, index + 1)
    alone = consistency.recovered_cells(compressed[one], _tables(quality))
    expected = consistency.project(together[one], alone)
    np.testing.assert_allclose(made[one].numpy(), expected.numpy(), atol=1e-5)


def test_what_does_not_fit_is_refused():
  image, tables = tf.zeros((1, 16, 16, 3)), _tables(10)
  blocks = tf.zeros((1, 2, 2, 8, 8))
  bounds = consistency.cells([blocks], tables)
  with pytest.raises(ValueError, match="those of 1 or 3 planes, got 2"):
    consistency.cells([blocks, blocks], tables)
  with pytest.raises(ValueError, match=r"shape \[B, rows, columns, 8, 8\], got \[1, 16, 16\]"):
    consistency.cells([tf.zeros((1, 16, 16))], tables)
  with pytest.raises(ValueError, match=r"tables must have shape \[B, 2, 8, 8\], got \[2, 8, 8\]"):
    consistency.cells([blocks], tables[0])
  with pytest.raises(ValueError, match="subsampling must be one of 420, 422, 444, got '411'"):
    consistency.project(image, bounds, "411")
  with pytest.raises(ValueError, match=r"at least -0\.5, half the smallest step, got -1\.0"):
    consistency.project(image, bounds, tolerance=-1.0)
  with pytest.raises(ValueError, match=r"tolerance must be at least -0\.5, .* got nan"):
    consistency.project(image, bounds, tolerance=float("nan"))
  with pytest.raises(ValueError, match="images must be float"):
    consistency.project(tf.zeros((1, 16, 16, 2)), bounds)
  with pytest.raises(ValueError, match="must be those of 1 plane, got 3"):
    consistency.project(tf.zeros((1, 16, 16, 1)), bounds * 3)
  with pytest.raises(tf.errors.InvalidArgumentError, match="not those of the plane's blocks"):
    consistency.project(tf.zeros((1, 24, 16, 3)), bounds)
