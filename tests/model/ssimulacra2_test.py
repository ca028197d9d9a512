import numpy as np
import pytest

from deblock.model import ssimulacra2


def _coarse(image, step):
  return (image // step * step + step // 2).astype(np.uint8)


def _score(restored, clean):
  return ssimulacra2.ssimulacra2(restored[np.newaxis] / 255.0, clean[np.newaxis] / 255.0)[0]


# What `ssimulacra2` of libjxl 0.11.2 prints for the same pixels.
@pytest.mark.parametrize(
  "height,width,spoil,expected",
  [
    (131, 96, lambda image: _coarse(image, 8), 84.2312719),
    (131, 96, lambda image: _coarse(image, 64), -9.7390925),
    (64, 200, lambda image: image // 2 + np.roll(image, 1, axis=0) // 2, 76.51587677),
    (64, 200, lambda image: np.repeat(image[..., :1], 3, axis=2), 47.89117708),
    # Sizes end where a side was below 8 pixels.
    (23, 40, lambda image: _coarse(image, 16), 84.46495787),
    (8, 9, lambda image: _coarse(image, 16), 95.4257917),
  ],
)
def test_scores_are_those_of_the_reference(photograph, height, width, spoil, expected):
  clean = photograph(height, width)
  assert _score(spoil(clean), clean) == pytest.approx(expected, abs=0.02)


def test_equal_images_score_100(photograph):
  clean = photograph(40, 40)
  assert _score(clean, clean) == 100.0


def test_gray_scores_as_its_colours(photograph):
  gray = photograph(40, 48)[..., :1]
  colour = np.repeat(gray, 3, axis=2)
  assert _score(_coarse(gray, 32), gray) == _score(_coarse(colour, 32), colour)


def test_batches_are_scored_one_by_one(photograph):
  clean = np.stack([photograph(40, 48), photograph(40, 48, left=100)]) / 255.0
  spoilt = np.rint(clean * 16.0) / 16.0
  alone = [ssimulacra2.ssimulacra2(spoilt[i : i + 1], clean[i : i + 1])[0] for i in range(2)]
  np.testing.assert_array_equal(ssimulacra2.ssimulacra2(spoilt, clean), alone)


@pytest.mark.parametrize(
  "restored,clean,message",
  [
    ((1, 16, 16, 3), (1, 16, 17, 3), "one shape"),
    ((1, 16, 16, 2), (1, 16, 16, 2), "one shape"),
    ((1, 7, 16, 3), (1, 7, 16, 3), "at least 8x8 pixels, got 7x16"),
  ],
)
def test_other_shapes_are_refused(restored, clean, message):
  with pytest.raises(ValueError, match=message):
    ssimulacra2.ssimulacra2(np.zeros(restored), np.zeros(clean))
