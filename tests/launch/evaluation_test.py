import csv
import dataclasses
import json
import math

import numpy as np
import pytest

from deblock.launch import evaluation
from deblock.model import restorer
from deblock.records import codec, jpeg_tables

COLUMNS = ["image", "quality", "psnr_jpeg", "psnr", "ssim_jpeg", "ssim", "psnr_b_jpeg", "psnr_b"]


def _row(image, quality, psnr_jpeg, psnr, ssim_jpeg=0.5, ssim=0.75):
  return evaluation.Row(
    image, quality, psnr_jpeg, psnr, ssim_jpeg, ssim, psnr_jpeg - 2.0, psnr - 0.5
  )


def _psnr(one, other):
  difference = one.astype(np.float64) - other
  return 10 * math.log10(255**2 / np.mean(difference**2))


def _saved(rows, folder):
  """Returns the rows of the saved JSON and of the saved CSV."""
  evaluation.save(rows, str(folder))
  with (folder / evaluation.CSV_FILE).open(newline="") as stream:
    table = list(csv.DictReader(stream))
  return json.loads((folder / evaluation.JSON_FILE).read_text()), table


ROWS = [
  _row("a.png", 20, 30.0, 31.0),
  _row("a.png", 10, 26.0, 27.5, 0.25, 0.5),
  _row("b.png", 10, 20.0, 21.0, 0.75, 1.0),
]


def test_the_mean_is_of_decibels_and_not_of_errors():
  ten, twenty = evaluation.means(ROWS)
  assert ten == _row("mean", 10, 23.0, 24.25, 0.5, 0.75)
  assert twenty == dataclasses.replace(ROWS[0], image="mean")
  assert ten.gain == 1.25


def test_the_mean_is_that_of_all_images_however_they_were_shared_out(picture):
  images = [(str(index), picture(16, 24, index)) for index in range(3)]
  restore = lambda jpeg, tables: jpeg // 2 + 30  # noqa: E731
  whole = evaluation.evaluate(restore, images, (10, 30))
  parts = [evaluation.evaluate(restore, part, (10, 30)) for part in (images[:2], images[2:])]
  assert evaluation.means([row for part in parts for row in part]) == evaluation.means(whole)
  for mean in evaluation.means(whole):
    for name in evaluation.FIGURES:
      plain = np.mean([getattr(row, name) for row in whole if row.quality == mean.quality])
      assert getattr(mean, name) == pytest.approx(plain, rel=1e-12)


def test_the_identity_gains_exactly_nothing(picture):
  images = [("a", picture(40, 56)), ("b", picture(33, 48, 1))]
  rows = evaluation.evaluate(lambda jpeg, tables: jpeg, images, (10, 30))
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

  (row,) = evaluation.evaluate(darker, [("a", clean)], (10,), "444")
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
      yield restorer.Part(0, 0, jpeg / np.float32(510.0))

  images, qualities = [("a", picture(48, 64))], (10, 99)
  freed = evaluation.evaluate(Darker(), images, qualities)
  held = evaluation.evaluate(Darker(), images, qualities, faithful=True)
  for row, free, quality in zip(held, freed, qualities, strict=True):
    assert row.psnr_jpeg == free.psnr_jpeg and free.gain < -10.0
    assert abs(row.gain) < 3.0
    data = codec.encode(images[0][1], quality)
    jpeg, made = evaluation.restored(Darker(), data, quality, faithful=True)
    np.testing.assert_array_equal(jpeg, codec.decode(data))
    assert row.psnr == pytest.approx(_psnr(images[0][1], made), abs=1e-4)


def test_a_perfect_restoration_is_infinitely_good(picture):
  clean = picture(40, 56)
  (row,) = evaluation.evaluate(lambda jpeg, tables: clean, [("a", clean)], (10,))
  assert row.psnr == math.inf and row.ssim == pytest.approx(1.0)


def test_json_holds_every_row_and_the_means_last(tmp_path):
  rows, _ = _saved(ROWS, tmp_path / "new" / "folder")
  assert all(list(row)[: len(COLUMNS)] == COLUMNS for row in rows)
  assert rows == [dataclasses.asdict(row) for row in [*ROWS, *evaluation.means(ROWS)]]
  assert [row["image"] for row in rows[-2:]] == ["mean", "mean"]


def test_csv_holds_the_same_as_json(tmp_path):
  rows, table = _saved(ROWS, tmp_path)
  assert len(table) == len(rows)
  for line, row in zip(table, rows, strict=True):
    assert list(line) == list(row)
    assert {name: str(value) for name, value in row.items()} == line


def test_infinity_becomes_null_in_json(tmp_path):
  rows, table = _saved([_row("a.png", 10, 26.0, math.inf)], tmp_path)
  assert [row["psnr"] for row in rows] == [None, None]
  assert [line["psnr"] for line in table] == ["inf", "inf"]
  assert "Infinity" not in (tmp_path / evaluation.JSON_FILE).read_text()


def test_saving_leaves_no_other_file_and_replaces_what_was_there(tmp_path):
  _saved(ROWS, tmp_path)
  rows, _ = _saved(ROWS[:1], tmp_path)
  assert len(rows) == 2
  assert {path.name for path in tmp_path.iterdir()} == {evaluation.JSON_FILE, evaluation.CSV_FILE}


def test_the_table_shows_every_row_and_the_means():
  header, *lines = evaluation.table(ROWS).splitlines()
  assert "image" in header and "quality" in header
  assert [line.split()[0] for line in lines] == ["a.png", "a.png", "b.png", "mean", "mean"]
  mean = lines[3].split()
  assert mean[1] == "10"
  for figure in ("23.000", "24.250", "+1.250", "0.5000", "0.7500", "21.000", "23.750"):
    assert figure in mean
