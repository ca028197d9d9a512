import dataclasses
import math
import sys

import numpy as np
import pytest

from deblock.launch.evaluation import baselines, bootstrap, figures, measures, methods, protocol
from deblock.model import metrics, ssimulacra2, tiling
from deblock.records.jpeg import codec
from deblock.records.jpeg import coefficients as jpeg_coefficients
from deblock.records.jpeg import tables as jpeg_tables


def _row(image, quality, psnr_jpeg, psnr, ssim_jpeg=0.5, ssim=0.75):
  return figures.Row(image, quality, psnr_jpeg, psnr, ssim_jpeg, ssim, psnr_jpeg - 2.0, psnr - 0.5)


def _psnr(one, other):
  difference = one.astype(np.float64) - other
  return 10 * math.log10(255**2 / np.mean(difference**2))


def _method(restore, name="m"):
  return methods.Method(name, restore)


ROWS = [
  _row("a.png", 20, 30.0, 31.0),
  _row("a.png", 10, 26.0, 27.5, 0.25, 0.5),
  _row("b.png", 10, 20.0, 21.0, 0.75, 1.0),
]


def test_the_mean_is_of_decibels_and_not_of_errors():
  ten, twenty = figures.means(ROWS)
  low, high = bootstrap.of_mean([1.5, 1.0])
  assert ten == dataclasses.replace(
    _row("mean", 10, 23.0, 24.25, 0.5, 0.75), gain_low=low, gain_high=high
  )
  assert twenty == dataclasses.replace(ROWS[0], image="mean")
  assert ten.gain == 1.25 and 1.0 <= low < 1.25 < high <= 1.5


def test_each_method_has_its_means_in_the_order_of_its_coming():
  rows = [dataclasses.replace(row, model=model) for model in "ba" for row in ROWS]
  assert [(row.model, row.quality) for row in figures.means(rows)] == [
    ("b", 10),
    ("b", 20),
    ("a", 10),
    ("a", 20),
  ]
  assert figures.means(rows)[2].gain == 1.25


def test_the_mean_is_that_of_all_images_however_they_were_shared_out(picture):
  images = [(str(index), picture(16, 24, index)) for index in range(3)]
  restore = lambda jpeg, tables: jpeg // 2 + 30  # noqa: E731
  whole = figures.evaluate([_method(restore)], images, (10, 30))
  parts = [
    figures.evaluate([_method(restore)], part, (10, 30)) for part in (images[:2], images[2:])
  ]
  assert figures.means([row for part in parts for row in part]) == figures.means(whole)
  for mean in figures.means(whole):
    assert mean.ssimulacra2 is None
    for name in set(figures.FIGURES) - {"ssimulacra2", "ssimulacra2_jpeg"}:
      plain = np.mean([getattr(row, name) for row in whole if row.quality == mean.quality])
      assert getattr(mean, name) == pytest.approx(plain, rel=1e-12)


def test_the_identity_gains_exactly_nothing(picture):
  images = [("a", picture(40, 56)), ("b", picture(33, 48, 1))]
  rows = figures.evaluate([_method(lambda jpeg, tables: jpeg)], images, (10, 30))
  assert [(row.image, row.quality) for row in rows] == [
    (image, quality) for image in ("a", "b") for quality in (10, 30)
  ]
  for row in rows:
    assert row.psnr == row.psnr_jpeg and row.ssim == row.ssim_jpeg and row.gain == 0.0
    assert row.psnr_b == row.psnr_b_jpeg < row.psnr


def test_figures_are_those_of_the_bytes_of_the_jpeg_and_of_its_tables(picture):
  clean = picture(40, 56)
  jpeg = codec.decode(codec.encode(clean, 10, "444"))
  seen = []

  def darker(image, tables):
    seen.append((image, tables))
    return image // 2

  settings = protocol.ProtocolConfig(subsampling="444")
  (row,) = figures.evaluate([_method(darker)], [("a", clean)], (10,), settings)
  ((image, tables),) = seen
  np.testing.assert_array_equal(image, jpeg)
  np.testing.assert_array_equal(tables, jpeg_tables.quantization_tables(10))
  assert row.psnr_jpeg == pytest.approx(_psnr(clean, jpeg), abs=1e-4)
  assert row.psnr == pytest.approx(_psnr(clean, jpeg // 2), abs=1e-4)
  assert row.ssim < row.ssim_jpeg < 1.0


def test_faithful_figures_are_those_of_the_projected_image(picture):
  class Darker:
    def __call__(self, jpeg, tables):
      return jpeg // 2

    def parts(self, jpeg, tables):
      yield tiling.Part(0, 0, jpeg / np.float32(510.0))

  images, qualities = [("a", picture(48, 64))], (10, 99)
  darker, faithful = [_method(Darker())], protocol.ProtocolConfig(faithful=True)
  freed = figures.evaluate(darker, images, qualities)
  held = figures.evaluate(darker, images, qualities, faithful)
  for row, free, quality in zip(held, freed, qualities, strict=True):
    assert row.psnr_jpeg == free.psnr_jpeg and free.gain < -10.0
    assert abs(row.gain) < 3.0
    data = codec.encode(images[0][1], quality)
    jpeg, made = figures.jpeg_and_restored(Darker(), data, quality, faithful=True)
    np.testing.assert_array_equal(jpeg, codec.decode(data))
    assert row.psnr == pytest.approx(_psnr(images[0][1], made), abs=1e-4)


def test_faithful_figures_need_the_coefficients(picture, monkeypatch):
  class Same:
    def parts(self, jpeg, tables):
      yield tiling.Part(0, 0, jpeg / np.float32(255.0))

  data = codec.encode(picture(24, 24), 50)
  monkeypatch.setattr(jpeg_coefficients, "read", _refuse)
  with pytest.raises(ValueError, match=r"faithful figures need .*: restored freely: it is damaged"):
    figures.jpeg_and_restored(Same(), data, 50, faithful=True)
  monkeypatch.setitem(sys.modules, "jpeglib", None)
  with pytest.raises(ValueError, match=r"faithful figures need .*: jpeglib, .* is not installed"):
    figures.jpeg_and_restored(Same(), data, 50, faithful=True)


def _refuse(data):
  raise jpeg_coefficients.CoefficientsError("it is damaged")


def test_a_perfect_restoration_is_infinitely_good(picture):
  clean = picture(40, 56)
  (row,) = figures.evaluate([_method(lambda jpeg, tables: clean)], [("a", clean)], (10,))
  assert row.psnr == math.inf and row.ssim == pytest.approx(1.0) and row.gain == math.inf
  assert dataclasses.replace(row, psnr_jpeg=math.inf).gain == 0.0


def test_equal_images_are_counted_and_leave_the_means_in_decibels_alone(picture):
  clean = picture(40, 56)
  images = [("a", clean), ("blank", np.full((40, 56, 3), 255, np.uint8)), ("b", picture(40, 56, 1))]
  rows = figures.evaluate([_method(lambda jpeg, tables: jpeg)], images, (10,))
  assert [row.perfect for row in rows] == [0, 1, 0] and rows[1].psnr == math.inf
  (mean,) = figures.means(rows)
  assert mean.perfect == 1 and mean.psnr == pytest.approx((rows[0].psnr + rows[2].psnr) / 2)
  assert mean.ssim == pytest.approx(sum(row.ssim for row in rows) / 3)
  (both,) = figures.means(figures.evaluate([_method(lambda *_: clean)], images[:1], (10,)))
  assert both.perfect == 1 and both.psnr == math.inf and math.isfinite(both.psnr_jpeg)


def test_only_the_metrics_that_are_named_are_measured(picture):
  images, names = [("a", picture(40, 56))], ("psnr", "ssimulacra2")
  (row,) = figures.evaluate([_method(lambda jpeg, _: jpeg)], images, (10,), metrics=names)
  assert row.ssim is None and row.psnr_b_jpeg is None
  assert row.ssimulacra2 == row.ssimulacra2_jpeg < 90.0
  (usual,) = figures.evaluate([_method(lambda jpeg, _: jpeg)], images, (10,))
  assert usual.psnr == row.psnr and usual.ssim is not None


def test_every_method_restores_the_same_jpeg_and_is_timed(picture):
  now = iter(range(100))
  seen = []

  def restore(jpeg, tables):
    seen.append(jpeg)
    return jpeg

  pair = [_method(restore, "one"), _method(restore, "other")]
  rows = figures.evaluate(pair, [("a", picture(24, 32))], (10,), clock=lambda: next(now) / 4)
  assert [(row.model, row.seconds) for row in rows] == [("one", 0.25), ("other", 0.25)]
  np.testing.assert_array_equal(*seen)
  assert dataclasses.replace(rows[0], model="other") == rows[1]


def test_a_gray_jpeg_is_restored_and_measured_in_one_channel(picture):
  settings = protocol.ProtocolConfig(gray=True)
  filters = [_method(baselines.load("identity")), _method(baselines.load("bilateral"))]
  same, smoothed = figures.trials(filters, "a", picture(40, 56), 10, settings)
  assert same.clean.shape == same.jpeg.shape == smoothed.restored.shape == (40, 56, 1)
  np.testing.assert_array_equal(same.restored, same.jpeg)
  assert same.row.psnr_jpeg == pytest.approx(_psnr(same.clean, same.jpeg), abs=1e-4)
  assert smoothed.row.psnr == pytest.approx(_psnr(same.clean, smoothed.restored), abs=1e-4)
  assert smoothed.row.gain > 0.1


def test_the_luma_of_colour_jpegs_is_measured_as_matlab_sees_it(picture):
  settings = protocol.ProtocolConfig(luma=True)
  (trial,) = figures.trials([_method(lambda jpeg, _: jpeg)], "a", picture(40, 56), 10, settings)
  assert trial.jpeg.shape == (40, 56, 3)
  clean, jpeg = (
    np.rint(16 + image @ np.array((65.481, 128.553, 24.966)) / 255)
    for image in (trial.clean, trial.jpeg)
  )
  assert trial.row.psnr_jpeg == pytest.approx(_psnr(clean, jpeg), abs=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_figures_are_those_of_the_metrics(picture, channels):
  images = [picture(24, 40, number)[..., :channels] for number in (0, 1)]
  floats = [image[np.newaxis] / 255.0 for image in images]
  every = (metrics.psnr, metrics.ssim, metrics.psnr_b, ssimulacra2.ssimulacra2)
  of_metrics = [metric(*floats).item() for metric in every]
  assert figures.figures(*images, tuple(measures.MEASURES)) == tuple(of_metrics)
  assert figures.figures(*images) == (*of_metrics[:3], None)


@pytest.mark.parametrize(
  ("shapes", "message"),
  [
    (((10, 20, 3), (10, 20, 3)), "at least 11x11 pixels, got 10x20"),
    (((16, 20, 3), (16, 21, 3)), r"one shape, got \(16, 20, 3\) and \(16, 21, 3\)"),
  ],
)
def test_images_that_cannot_be_measured_are_refused(shapes, message):
  with pytest.raises(ValueError, match=message):
    figures.figures(*(np.zeros(shape, np.uint8) for shape in shapes))
