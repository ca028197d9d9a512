import numpy as np

from deblock.launch.pictures import grid


def _flat(height, width, level, channels=3):
  return np.full((height, width, channels), level, np.uint8)


def test_rows_and_columns_have_room_for_their_largest_pictures():
  rows = [
    [grid.Cell("one", _flat(10, 30, 0)), grid.Cell("", _flat(20, 40, 60, 1))],
    [grid.Cell("", _flat(5, 50, 120))],
  ]
  made = grid.grid(rows)
  # Gaps of 8, and a caption of one line of 12 pixels: 20 rows, in the first row of cells alone.
  assert made.shape == (8 + 20 + 20 + 8 + 5 + 8, 8 + 50 + 8 + 40 + 8, 3)
  assert (made[28:38, 8:38] == 0).all()
  assert (made[28:48, 66:106] == 60).all()
  assert (made[56:61, 8:58] == 120).all()


def test_columns_can_be_equal_and_have_a_least_width():
  rows = [[grid.Cell("", _flat(4, 30, 0)), grid.Cell("", _flat(4, 40, 0))]]
  assert grid.grid(rows, equal=True).shape[1] == 8 + 2 * (40 + 8)
  assert grid.grid(rows, narrowest=100).shape[1] == 8 + 2 * (100 + 8)


def test_a_long_line_loses_its_middle_and_stays_in_its_column():
  def captions(text):
    cells = [grid.Cell(text, _flat(4, 120, 0)), grid.Cell("next", _flat(4, 120, 0))]
    return grid.grid([cells])[:28]

  short, long = captions("begin"), captions("begin" + 40 * "folder/" + "end")
  np.testing.assert_array_equal(short[:, 8 + 120 :], long[:, 8 + 120 :])
  np.testing.assert_array_equal(short[:, 8:40], long[:, 8:40])
  assert (long[:, 80:128] < 100).any()


def test_a_cell_may_be_a_caption_alone():
  cells = [grid.Cell("words", np.zeros((0, 0, 1), np.uint8)), grid.Cell("", _flat(6, 30, 90))]
  made = grid.grid([cells], narrowest=60)
  assert (made[:28, 8:68] < 100).any() and (made[28:34, 8:68] == grid.PAPER).all()


def test_enlarging_repeats_every_pixel():
  image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
  large = grid.enlarged(image, 3)
  assert large.shape == (6, 6, 3)
  for row in range(6):
    for column in range(6):
      np.testing.assert_array_equal(large[row, column], image[row // 3, column // 3])


def test_a_frame_lies_around_its_square_and_changes_nothing_else():
  image = _flat(40, 40, 7, 1)
  made = grid.framed(image, 10, 20, 8)
  changed = (made != 7).any(axis=-1)
  rows, columns = np.nonzero(changed)
  assert (rows.min(), rows.max(), columns.min(), columns.max()) == (9, 18, 19, 28)
  assert not changed[12:16, 22:26].any() and (made[changed] == grid.MARK).all()
