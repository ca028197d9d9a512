import itertools
import pathlib

import numpy as np
from PIL import Image
import pytest
from skimage import metrics as skimage_metrics

from deblock.model import metrics
from deblock.records.jpeg import codec

_KODAK = pathlib.Path(__file__).resolve().parents[3] / "shared/data/kodak"
_METRICS = [metrics.psnr, metrics.ssim, metrics.psnr_b]


def _pair(photograph, quality, height=97, width=128):
  """Returns a photograph and its JPEG, uint8 [H, W, 3]."""
  clean = photograph(height, width)
  return codec.decode(codec.encode(clean, quality)), clean


def _float(image):
  return image[np.newaxis] / 255.0


@pytest.mark.parametrize("quality", [5, 10, 40, 90])
def test_psnr_is_that_of_scikit_image(photograph, quality):
  jpeg, clean = _pair(photograph, quality)
  expected = skimage_metrics.peak_signal_noise_ratio(clean, jpeg, data_range=255)
  made = metrics.psnr(_float(jpeg), _float(clean))
  assert (made.dtype, made.shape) == (np.float64, (1,))
  np.testing.assert_allclose(made, [expected], atol=1e-4)


@pytest.mark.parametrize("quality", [5, 10, 40, 90])
def test_ssim_is_that_of_scikit_image(photograph, quality):
  jpeg, clean = _pair(photograph, quality)
  expected = skimage_metrics.structural_similarity(
    clean,
    jpeg,
    gaussian_weights=True,
    sigma=1.5,
    use_sample_covariance=False,
    data_range=255,
    channel_axis=2,
  )
  made = metrics.ssim(_float(jpeg), _float(clean))
  assert (made.dtype, made.shape) == (np.float64, (1,))
  np.testing.assert_allclose(made, [expected], atol=1e-5)


def test_psnr_of_a_known_error():
  clean = np.zeros((1, 4, 4, 3))
  np.testing.assert_allclose(metrics.psnr(clean + 0.1, clean), [20.0])
  # One error over all colours, and not the mean of three ratios.
  np.testing.assert_allclose(
    metrics.psnr(clean + np.array((0.1, 0.0, 0.0)), clean), [20.0 + 10.0 * np.log10(3.0)]
  )


def test_ssim_of_two_flat_images_is_its_luminance_term():
  made = metrics.ssim(np.full((1, 11, 11, 1), 0.25), np.full((1, 11, 11, 1), 0.75))
  expected = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
  np.testing.assert_allclose(made, [expected], rtol=1e-9)


def test_equal_images_have_infinite_psnr_and_ssim_one(photograph):
  clean = _float(photograph(32, 40))
  assert metrics.psnr(clean, clean).tolist() == [np.inf]
  np.testing.assert_allclose(metrics.ssim(clean, clean), [1.0], rtol=1e-12)


def _psnr_b(restored, clean):
  """PSNR-B of uint8 [H, W, 3] or [H, W], pair by pair as the definition has it."""
  seen = restored.astype(np.float64)
  if restored.ndim == 3:
    seen = np.rint(16.0 + seen @ np.array((65.481, 128.553, 24.966)) / 255.0)
  height, width = seen.shape
  edge_sum = other_sum = 0.0
  for one in (seen, seen.T):
    for index in range(one.shape[1] - 1):
      squares = np.sum((one[:, index] - one[:, index + 1]) ** 2)
      if index % 8 == 7:
        edge_sum += squares
      else:
        other_sum += squares
  edges = height * (width / 8 - 1) + width * (height / 8 - 1)
  others = height * (width - 1) + width * (height - 1) - edges
  effect = 0.0
  if edge_sum / edges > other_sum / others:
    effect = np.log2(8) / np.log2(min(height, width))
    effect *= edge_sum / edges - other_sum / others
  error = np.mean((restored.astype(np.float64) - clean) ** 2)
  return 20.0 * np.log10(255.0 / np.sqrt(error + effect))


@pytest.mark.parametrize(("height", "width"), [(96, 128), (97, 75), (9, 16)])
@pytest.mark.parametrize("quality", [5, 40, 95])
def test_psnr_b_is_that_of_its_definition(photograph, quality, height, width):
  jpeg, clean = _pair(photograph, quality, height, width)
  made = metrics.psnr_b(_float(jpeg), _float(clean))
  assert (made.dtype, made.shape) == (np.float64, (1,))
  np.testing.assert_allclose(made, [_psnr_b(jpeg, clean)], atol=1e-5)
  gray = metrics.psnr_b(_float(jpeg[..., :1]), _float(clean[..., :1]))
  np.testing.assert_allclose(gray, [_psnr_b(jpeg[..., 0], clean[..., 0])], atol=1e-5)


def test_psnr_b_sees_edges_of_blocks_and_no_others():
  clean = np.full((1, 32, 32, 1), 0.5)
  stripes = clean.copy()
  stripes[:, :, ::2] += 0.1
  np.testing.assert_allclose(
    metrics.psnr_b(stripes, clean), metrics.psnr(stripes, clean), rtol=1e-12
  )
  chequered = clean + 0.1 * (np.add(*(np.indices((32, 32)) // 8)) % 2)[np.newaxis, ..., np.newaxis]
  # Half the pixels are off by 0.1; each pair at an edge differs by it; log2(8) / log2(32) = 0.6.
  expected = -10.0 * np.log10(0.005 + 0.6 * 0.01)
  np.testing.assert_allclose(metrics.psnr_b(chequered, clean), [expected], rtol=1e-12)
  moved = np.roll(chequered, 4, axis=(1, 2))
  assert metrics.psnr_b(moved, clean) > expected + 2.0


def test_psnr_b_of_images_without_an_edge_is_refused():
  for shape in ((1, 8, 16, 3), (1, 16, 8, 3), (1, 16, 16, 2)):
    with pytest.raises(ValueError, match="gray or colour images of at least 9x9 pixels, got"):
      metrics.psnr_b(np.zeros(shape), np.zeros(shape))


def test_the_mean_does_not_depend_on_how_the_images_are_divided(photograph):
  pairs = [_pair(photograph, quality, 16, 24) for quality in (5, 10, 20, 40, 80)]
  jpegs, cleans = (
    np.concatenate([_float(image) for image in part], 0) for part in zip(*pairs, strict=True)
  )
  for metric in _METRICS:
    plain = np.mean([float(metric(_float(jpeg), _float(clean))[0]) for jpeg, clean in pairs])
    for bounds in ((0, 2, 4, 5), (0, 1, 5)):
      parts = [
        metric(jpegs[start:end], cleans[start:end]) for start, end in itertools.pairwise(bounds)
      ]
      total = sum(part.sum() for part in parts)
      np.testing.assert_allclose(total / sum(len(part) for part in parts), plain, rtol=1e-12)


@pytest.mark.parametrize("metric", _METRICS)
def test_an_image_does_not_depend_on_the_rest_of_its_batch(photograph, metric):
  pairs = [_pair(photograph, quality, 40, 48) for quality in (5, 30, 80)]
  jpegs, cleans = (
    np.concatenate([_float(image) for image in part], 0) for part in zip(*pairs, strict=True)
  )
  alone = [float(metric(_float(jpeg), _float(clean))[0]) for jpeg, clean in pairs]
  assert len(set(alone)) == 3
  np.testing.assert_allclose(metric(jpegs, cleans), alone, rtol=1e-12)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_neither_image_is_preferred(photograph, metric):
  jpeg, clean = (_float(image) for image in _pair(photograph, 20, 40, 48))
  expected = metric(jpeg, clean)
  np.testing.assert_allclose(metric(clean, jpeg), expected, rtol=1e-12)


def test_only_places_with_a_whole_window_count():
  random = np.random.default_rng(0)
  clean = random.uniform(size=(1, 11, 11, 1))
  restored = random.uniform(size=(1, 11, 11, 1))
  offsets = np.arange(11) - 5
  row = np.exp(-(offsets**2) / (2 * 1.5**2))
  weights = np.outer(row, row) / np.outer(row, row).sum()
  one, other = restored[0, ..., 0], clean[0, ..., 0]
  mean, mean_other = (weights * one).sum(), (weights * other).sum()
  variance = (weights * (one - mean) ** 2).sum()
  variance_other = (weights * (other - mean_other) ** 2).sum()
  covariance = (weights * (one - mean) * (other - mean_other)).sum()
  expected = (
    (2 * mean * mean_other + 0.01**2)
    * (2 * covariance + 0.03**2)
    / ((mean**2 + mean_other**2 + 0.01**2) * (variance + variance_other + 0.03**2))
  )
  np.testing.assert_allclose(metrics.ssim(restored, clean), [expected], rtol=1e-9)


@pytest.mark.parametrize("metric", _METRICS)
def test_shapes_that_differ_are_refused(metric):
  message = r"must have one shape \[B, H, W, C\], got \(1, 16, 16, 3\) and \(1, 16, 24, 3\)"
  with pytest.raises(ValueError, match=message):
    metric(np.zeros((1, 16, 16, 3)), np.zeros((1, 16, 24, 3)))
  with pytest.raises(ValueError, match=r"must have one shape \[B, H, W, C\]"):
    metric(np.zeros((16, 16, 3)), np.zeros((16, 16, 3)))


@pytest.mark.parametrize(("height", "width"), [(10, 40), (40, 10)])
def test_images_smaller_than_the_window_are_refused(height, width):
  images = np.zeros((1, height, width, 3))
  with pytest.raises(ValueError, match=f"at least 11x11 pixels, got {height}x{width}"):
    metrics.ssim(images, images)


@pytest.mark.slow
@pytest.mark.skipif(not _KODAK.is_dir(), reason=f"the Kodak images are not in {_KODAK}")
def test_the_jpegs_of_kodak_have_their_known_figures():
  luma = np.array((0.299, 0.587, 0.114))
  colour, gray = {10: [], 20: [], 30: [], 40: []}, []
  for path in sorted(_KODAK.glob("*.png")):
    with Image.open(path) as picture:
      clean = np.array(picture.convert("RGB"))
    for quality, figures in colour.items():
      jpeg = codec.decode(codec.encode(clean, quality))
      figures.append(metrics.psnr(_float(jpeg), _float(clean))[0])
      if quality == 10:
        pair = [(image @ luma)[np.newaxis, ..., np.newaxis] / 255.0 for image in (jpeg, clean)]
        gray.append([metrics.psnr(*pair)[0], metrics.ssim(*pair)[0]])
  assert len(colour[10]) == 24
  expected = [26.672, 29.145, 30.491, 31.422]
  np.testing.assert_allclose([np.mean(row) for row in colour.values()], expected, atol=5e-4)
  # Of luma that is not rounded.
  np.testing.assert_allclose(np.mean(gray, axis=0), [28.083, 0.7715], atol=5e-4)
