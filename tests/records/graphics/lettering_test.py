import numpy as np
from PIL import Image
import pytest

from deblock.records.graphics import lettering


def _written(style, text="Hamburg"):
  image = Image.new("RGB", (160, 40), "white")
  lettering.write(image, (6, 6), text, style, (0, 0, 0))
  return np.asarray(image, int)


@pytest.mark.parametrize("face", sorted(set(lettering.ALL)))
def test_every_face_has_letters_and_width(face):
  style = lettering.Style(face, 20)
  assert np.count_nonzero(_written(style) < 128) > 300
  assert lettering.width("mm", style) == pytest.approx(2 * lettering.width("m", style), abs=2)


def test_modes_differ_as_they_should():
  by_mode = {mode: _written(lettering.Style("DejaVuSans", 18, mode)) for mode in lettering.MODES}
  assert set(np.unique(by_mode["aliased"])) == {0, 255}
  for mode, pixels in by_mode.items():
    is_coloured = bool(np.ptp(pixels, axis=2).any())
    assert is_coloured == (mode == "subpixel")
    # About as much ink each time.
    ink = (255 - pixels).sum() / (255 - by_mode["gray"]).sum()
    assert ink == pytest.approx(1.0, abs=0.25), mode


def test_stretched_letters_are_wider():
  narrow, wide = (lettering.Style("DejaVuSans", 18, "scaled", stretch) for stretch in (0.8, 1.25))
  assert lettering.width("Hamburg", wide) > 1.5 * lettering.width("Hamburg", narrow)
  extents = [np.nonzero((_written(style) < 128).any((0, 2)))[0] for style in (narrow, wide)]
  assert np.ptp(extents[1]) > 1.4 * np.ptp(extents[0])


def test_faces_of_few_letters_show_plain_ones_instead_of_boxes():
  style = lettering.Style("cmr10", 18)
  np.testing.assert_array_equal(_written(style, "éčł"), _written(style, "ec"))


def test_text_is_cut_to_fit():
  style = lettering.Style("DejaVuSans", 12)
  text = lettering.fitting("many words in one line", style, 60)
  assert text and lettering.width(text, style) <= 60
  assert lettering.fitting("word", style, 0) == ""
