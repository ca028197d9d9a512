import numpy as np
import pytest
from scipy import fft, ndimage
from skimage import metrics as skimage_metrics
import tensorflow as tf

from deblock.model import losses
from deblock.records.jpeg import tables as jpeg_tables

_RANDOM = np.random.default_rng(0)
_CLEAN = _RANDOM.uniform(size=(3, 16, 24, 3))
# Errors on both sides of one level.
_RESTORED = _CLEAN + _RANDOM.normal(0.0, 1.5 / 255.0, _CLEAN.shape)
_TABLES = np.stack([jpeg_tables.quantization_tables(quality) for quality in (10, 40, 80)])
# Of equal images.
_LEAST = {"charbonnier": 1e-3, "psnr": -80.0}


def _smooth(restored, clean, tables):
  del tables
  error = np.abs(255.0 * (restored - clean))
  return np.where(error < 1.0, error**2 / 2.0, error - 0.5).mean()


def _sobel(restored, clean, tables):
  del tables
  error = restored - clean
  planes = np.moveaxis(error, -1, 0)
  edges = sum(
    np.mean([(ndimage.sobel(plane, axis)[1:-1, 1:-1] / 8.0) ** 2 for plane in planes])
    for axis in (0, 1)
  )
  return np.mean(error**2) + edges


def _frequency(restored, clean, tables):
  red, green, blue = np.moveaxis(255.0 * (restored - clean), -1, 0)
  luma = 0.299 * red + 0.587 * green + 0.114 * blue
  total = 0.0
  for plane, steps in ((luma, tables[0]), ((blue - luma) / 1.772, tables[1]),
                       ((red - luma) / 1.402, tables[1])):  # fmt: skip
    for top, left in np.ndindex(2, 3):
      block = plane[8 * top : 8 * top + 8, 8 * left : 8 * left + 8]
      total += np.abs(fft.dctn(block, norm="ortho") / steps).mean()
  return total / 18.0


def _ssim(restored, clean, tables):
  del tables
  return 1.0 - skimage_metrics.structural_similarity(
    clean,
    restored,
    gaussian_weights=True,
    sigma=1.5,
    use_sample_covariance=False,
    data_range=1.0,
    channel_axis=2,
  )


_FORMULAS = {
  "charbonnier": lambda restored, clean, _: np.sqrt((restored - clean) ** 2 + 1e-6).mean(),
  "frequency": _frequency,
  "l1": lambda restored, clean, _: np.abs(restored - clean).mean(),
  "l2": lambda restored, clean, _: np.square(restored - clean).mean(),
  "psnr": lambda restored, clean, _: 10.0 * np.log10(np.square(restored - clean).mean() + 1e-8),
  "smooth_l1": _smooth,
  "sobel": _sobel,
  "ssim": _ssim,
}


@pytest.mark.parametrize("name", losses.names())
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 2e-4), (np.float64, 1e-6)])
def test_each_loss_is_its_formula_per_image(name, dtype, rtol):
  restored, clean, tables = (part.astype(dtype) for part in (_RESTORED, _CLEAN, _TABLES))
  expected = [_FORMULAS[name](*one) for one in zip(restored, clean, _TABLES, strict=True)]
  made = losses.get(name)(tf.constant(restored), tf.constant(clean), tf.constant(tables))
  assert made.dtype == dtype
  np.testing.assert_allclose(made.numpy(), expected, rtol=rtol)


@pytest.mark.parametrize(("levels", "expected"), [(0.0, 0.0), (0.5, 0.125), (1.0, 0.5), (3.0, 2.5)])
def test_smooth_l1_is_quadratic_below_one_level_and_linear_above(levels, expected):
  clean = tf.zeros((1, 2, 2, 3), tf.float64)
  for sign in (1.0, -1.0):
    made = losses.smooth_l1(clean + sign * levels / 255.0, clean)
    np.testing.assert_allclose(made.numpy(), [expected], rtol=1e-9)


@pytest.mark.parametrize("name", losses.names())
def test_every_loss_is_least_for_equal_images_and_falls_along_its_gradient(name):
  loss, clean = losses.get(name), tf.constant(_CLEAN)
  least = loss(clean, clean, _TABLES)
  np.testing.assert_allclose(least.numpy(), [_LEAST.get(name, 0.0)] * 3, atol=1e-9)
  restored = tf.Variable(_RESTORED)
  with tf.GradientTape() as tape:
    before = loss(restored, clean, _TABLES)
  assert np.all(before > least)
  gradient = tape.gradient(before, restored)
  assert np.isfinite(gradient).all()
  step = 1e-5 * gradient / tf.reduce_max(tf.abs(gradient), axis=(1, 2, 3), keepdims=True)
  assert np.all(loss(restored - step, clean, _TABLES) < before)


@pytest.mark.parametrize("name", losses.names())
def test_an_untrained_residual_network_has_a_gradient_too(name):
  # Where images are equal all over, as in flat crops, no loss may give NaN.
  clean = tf.constant(_CLEAN)
  with tf.GradientTape() as tape:
    tape.watch(clean)
    value = losses.get(name)(clean, tf.constant(_CLEAN), _TABLES)
  assert np.isfinite(tape.gradient(value, clean)).all()


def test_frequencies_weigh_by_the_steps_of_their_own_image():
  finer = losses.frequency(_RESTORED, _CLEAN, _TABLES / 2.0).numpy()
  np.testing.assert_allclose(finer, 2.0 * losses.frequency(_RESTORED, _CLEAN, _TABLES).numpy())


def test_not_a_number_is_not_hidden():
  restored = _RESTORED.copy()
  restored[1, 0, 0, 0] = np.nan
  for name in losses.names():
    made = losses.get(name)(restored, _CLEAN, _TABLES).numpy()
    assert np.isnan(made).tolist() == [False, True, False]


def test_images_that_do_not_fit_are_refused():
  small = tf.zeros((1, 8, 8, 3))
  with pytest.raises(ValueError, match="at least 11x11 pixels, got 8x8"):
    losses.ssim(small, small)
  with pytest.raises(ValueError, match="at least 3x3 pixels"):
    losses.sobel(small[:, :2], small[:, :2])
  with pytest.raises(ValueError, match="needs the quantisation tables, got none"):
    losses.frequency(small, small)
  with pytest.raises(ValueError, match=r"multiples of 8, got \(8, 7\)"):
    losses.frequency(small[:, :, :7], small[:, :, :7], _TABLES[:1])


def test_an_unknown_name_lists_the_choices():
  assert losses.names() == tuple(sorted(_FORMULAS))
  choices = "charbonnier, frequency, l1, l2, psnr, smooth_l1, sobel, ssim"
  with pytest.raises(ValueError, match=f"loss must be one of {choices}, got 'mse'"):
    losses.get("mse")
