import dataclasses

import pytest

from deblock.launch.evaluation import figures, protocol, published

GRAY = protocol.ProtocolConfig(gray=True)
CLASSIC5, LIVE1, *_ = published.REFERENCES


def _means(reference, psnr_offset=0.0, ssim_offset=0.0):
  """Returns the means of JPEGs that have a test set's printed figures, but for an offset."""
  printed = zip(published.QUALITIES, reference.psnr, reference.ssim, strict=True)
  return [
    figures.Row("mean", quality, psnr + psnr_offset, 30.0, ssim + ssim_offset, 0.9, 25.0, 29.0)
    for quality, psnr, ssim in printed
  ]


@pytest.mark.parametrize("reference", published.REFERENCES, ids=lambda one: one.test_set + one.kind)
def test_a_test_set_is_known_by_the_figures_of_its_jpegs(reference):
  gray = reference.kind == published.GRAY
  settings = GRAY if gray else protocol.ProtocolConfig(subsampling=reference.kind)
  means = _means(reference)
  assert published.matching_test_set(means, reference.images, settings) is reference
  assert published.matching_test_set(means[:1], reference.images, settings) is reference
  other = dataclasses.replace(means[0], quality=55, psnr_jpeg=0.0)
  assert published.matching_test_set([*means, other], reference.images, settings) is reference


@pytest.mark.parametrize(
  ("psnr_offset", "ssim_offset", "found"),
  [(0.005, 0.0, True), (0.006, 0.0, False), (0.0, 0.00005, True), (0.0, -0.00006, False)],
)
def test_the_figures_agree_to_the_last_printed_digit(psnr_offset, ssim_offset, found):
  means = _means(LIVE1, psnr_offset, ssim_offset)
  assert published.matching_test_set(means, 29, GRAY) == (LIVE1 if found else None)


def test_another_number_of_images_quality_or_protocol_is_another_test_set():
  means = _means(CLASSIC5)
  assert published.matching_test_set(means, 6, GRAY) is None
  assert published.matching_test_set(means, 5, protocol.PUBLISHED) is None
  assert published.matching_test_set([dataclasses.replace(means[0], quality=55)], 5, GRAY) is None
  one_differs = [*means[:3], dataclasses.replace(means[3], psnr_jpeg=40.0)]
  assert published.matching_test_set(one_differs, 5, GRAY) is None


@pytest.mark.parametrize(
  ("settings", "kind"),
  [
    ({}, published.COLOUR),
    ({"subsampling": "444"}, "444"),
    ({"gray": True}, published.GRAY),
    ({"luma": True}, ""),
    ({"gray": True, "double_quality": 10}, ""),
  ],
)
def test_the_kind_of_jpegs_follows_from_the_protocol(settings, kind):
  assert published.kind_of(protocol.ProtocolConfig(**settings)) == kind


def test_every_row_has_a_figure_or_a_gap_for_every_quality():
  for row in published.ROWS:
    assert len(row.psnr) == len(published.QUALITIES)
    assert len(row.ssim) in (0, len(published.QUALITIES))
    known = [psnr for psnr in row.psnr if psnr is not None]
    assert known == sorted(known) and known[0] > 27 and known[-1] < 36
    assert any((row.test_set, row.kind) == (one.test_set, one.kind) for one in published.REFERENCES)


def test_every_network_gains_over_the_jpegs_of_its_test_set():
  for row in published.ROWS:
    (reference,) = (
      one for one in published.REFERENCES if (one.test_set, one.kind) == (row.test_set, row.kind)
    )
    for gained, jpeg in zip(row.psnr, row.own_jpeg or reference.psnr, strict=True):
      assert gained is None or 0.8 < gained - jpeg < 3.0, row
