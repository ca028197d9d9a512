import numpy as np

from deblock.launch.evaluation import figures, methods
from deblock.launch.pictures import paper_sheet

CELL, GAP, CAPTION = paper_sheet.CELL, paper_sheet.GAP, paper_sheet.CAPTION


def _trials(clean, name="a.png"):
  """Returns what two methods make of it, the first of which mends one place."""
  mended = np.s_[96:192, 48:144]

  def mend(jpeg, tables):
    made = jpeg.copy()
    made[mended] = clean[mended]
    return made

  pair = [methods.Method("mend", mend), methods.Method("same", lambda jpeg, tables: jpeg)]
  return list(figures.trials(pair, name, clean, 10))


def test_each_row_shows_the_same_detail_enlarged_exactly(picture):
  clean = picture(200, 300)
  trials = _trials(clean)
  made = paper_sheet.sheet([paper_sheet.strip(trials)] * 2)
  left = GAP + 288 + GAP
  assert made.shape == (GAP + 2 * (CAPTION + CELL + GAP), left + 4 * (CELL + GAP), 3)
  detail = np.s_[96:192, 48:144]
  for row in range(2):
    top = GAP + row * (CAPTION + CELL + GAP) + CAPTION
    images = (clean, trials[0].jpeg, trials[0].restored, trials[1].restored)
    for column, image in enumerate(images):
      x = left + column * (CELL + GAP)
      shown = made[top : top + CELL, x : x + CELL]
      np.testing.assert_array_equal(shown, image[detail].repeat(2, axis=0).repeat(2, axis=1))


def test_the_whole_image_has_its_detail_marked_and_captions_tell_figures(picture):
  trials = _trials(picture(200, 300))
  strip = paper_sheet.strip(trials)
  rows, columns = np.nonzero((strip.whole == paper_sheet.MARK).all(axis=-1))
  factor = CELL / 200
  assert abs(rows.min() - 96 * factor) <= 2 and abs(columns.min() - 48 * factor) <= 2
  assert strip.captions[0] == "a.png" and strip.captions[3].startswith("same\n")
  assert f"{trials[0].row.psnr:.2f} dB / {trials[0].row.ssim:.4f}" in strip.captions[2]


def test_small_images_and_long_names_are_drawn_too(picture):
  clean = picture(16, 20)
  same = [methods.Method("/a/very/long/way/to/the/folder/of/a/run", lambda jpeg, tables: jpeg)]
  strip = paper_sheet.strip(list(figures.trials(same, "n" * 200, clean, 10)))
  made = paper_sheet.sheet([strip])
  background = (made == paper_sheet.BACKGROUND).all(axis=-1)
  assert background[:, -GAP:].all() and not background.all()
