import csv
import dataclasses
import json
import math
import re

import pytest

from deblock.launch.evaluation import figures as figures_lib
from deblock.launch.evaluation import protocol, published, tables
from deblock.records.photos import results

# Those of the first releases stand first, with the names that they had.
COLUMNS = ["image", "quality", "psnr_jpeg", "psnr", "ssim_jpeg", "ssim", "psnr_b_jpeg", "psnr_b"]
NEW = ["model", "seconds", "gain_low", "gain_high", "ssimulacra2_jpeg", "ssimulacra2", "perfect"]


def _row(image, quality, psnr_jpeg, psnr, ssim_jpeg=0.5, ssim=0.75, model="net"):
  return figures_lib.Row(
    image, quality, psnr_jpeg, psnr, ssim_jpeg, ssim, psnr_jpeg - 2.0, psnr - 0.5, model, 0.25
  )


ROWS = [
  _row("a.png", 20, 30.0, 31.0),
  _row("a.png", 10, 26.0, 27.5, 0.25, 0.5),
  _row("b.png", 10, 20.0, 21.0, 0.75, 1.0),
]
FILES = {tables.JSON_FILE, tables.CSV_FILE, tables.MARKDOWN_FILE}


def _saved(rows, folder):
  """Returns the rows of the saved JSON and of the saved CSV."""
  tables.save(rows, str(folder))
  with (folder / tables.CSV_FILE).open(newline="") as stream:
    table = list(csv.DictReader(stream))
  return json.loads((folder / tables.JSON_FILE).read_text()), table


def test_json_holds_every_row_and_the_means_last(tmp_path):
  rows, _ = _saved(ROWS, tmp_path / "new" / "folder")
  assert all(list(row) == COLUMNS + NEW for row in rows)
  assert rows == [dataclasses.asdict(row) for row in [*ROWS, *figures_lib.means(ROWS)]]
  assert [row["image"] for row in rows[-2:]] == ["mean", "mean"]
  assert [row["gain_low"] is not None for row in rows] == [False, False, False, True, False]


def test_csv_holds_the_same_as_json(tmp_path):
  rows, table = _saved(ROWS, tmp_path)
  assert len(table) == len(rows)
  for line, row in zip(table, rows, strict=True):
    assert list(line) == list(row)
    assert {name: "" if value is None else str(value) for name, value in row.items()} == line


def test_infinity_becomes_null_in_json(tmp_path):
  rows, table = _saved([_row("a.png", 10, 26.0, math.inf)], tmp_path)
  assert [row["psnr"] for row in rows] == [None, None]
  assert [line["psnr"] for line in table] == ["inf", "inf"]
  assert "Infinity" not in (tmp_path / tables.JSON_FILE).read_text()


def test_saving_leaves_no_other_file_and_replaces_what_was_there(tmp_path):
  _saved(ROWS, tmp_path)
  rows, _ = _saved(ROWS[:1], tmp_path)
  assert len(rows) == 2
  assert {path.name for path in tmp_path.iterdir()} == {*FILES, results.NAME}


def test_a_table_of_another_program_is_not_replaced(tmp_path):
  (tmp_path / tables.CSV_FILE).write_text("years of work")
  with pytest.raises(FileExistsError, match=r"evaluation\.csv is there and was not written by"):
    tables.save(ROWS, str(tmp_path))
  assert (tmp_path / tables.CSV_FILE).read_text() == "years of work"


def test_names_are_harmless_in_every_form_and_exact_in_json(tmp_path):
  image, model = "=cmd|' /C calc'!A0\n\x1b[2J.png", "runs/a|b\u202e"
  named = [_row(image, 10, 26.0, 27.0, model=model), _row("caf\udce9", 10, 26.0, 27.0, model="x")]
  rows, table = _saved(named, tmp_path)
  assert (rows[0]["image"], rows[0]["model"]) == (image, model) and rows[1]["image"] == "caf\udce9"
  assert table[0]["image"] == f"'{image}" and float(table[0]["psnr"]) == 27.0
  assert table[1]["image"] == r"caf\udce9"
  assert r"runs/a\|b\\u202e" in (tmp_path / tables.MARKDOWN_FILE).read_text()
  shown = tables.text(named[:1]).split("\n")
  assert len(shown) == 3 and all(line.isprintable() for line in shown)


def test_the_text_shows_every_row_and_the_means():
  header, *lines = tables.text(ROWS).splitlines()
  assert "image" in header and "quality" in header
  titles = re.split(r"\s{2,}", header.strip())
  assert len(set(titles)) == len(titles) == 11
  assert [line.split()[0] for line in lines] == ["a.png", "a.png", "b.png", "mean", "mean"]
  mean = lines[3].split()
  assert mean[1] == "10"
  for figure in ("23.000", "24.250", "+1.250", "0.5000", "0.7500", "21.000", "23.750", "0.250"):
    assert figure in mean
  low, high = figures_lib.means(ROWS)[0].gain_low, figures_lib.means(ROWS)[0].gain_high
  assert lines[3].endswith(f"{low:+.3f} to {high:+.3f}") and " to " not in lines[4]


def test_the_text_has_the_columns_that_were_measured():
  bare = dict.fromkeys(("ssim", "ssim_jpeg", "psnr_b", "psnr_b_jpeg"))
  scored = {"ssimulacra2_jpeg": 40.25, "ssimulacra2": 51.5}
  header, *lines = tables.text([dataclasses.replace(ROWS[0], **bare, **scored)]).splitlines()
  titles = re.split(r"\s{2,}", header.strip())
  assert titles[5:7] == ["SSIMULACRA 2 of JPEG", "SSIMULACRA 2"] and "SSIM" not in titles
  assert re.split(r"\s{2,}", lines[0].strip())[5:7] == ["40.25", "51.50"]


def test_equal_images_are_called_perfect_and_named():
  restored = dataclasses.replace(ROWS[1], psnr=math.inf, psnr_b=math.inf, perfect=1)
  blank = dataclasses.replace(ROWS[2], psnr_jpeg=math.inf, perfect=1)
  other = dataclasses.replace(ROWS[1], image="c.png")
  _, first, second, third, mean, note = tables.text([restored, blank, other]).splitlines()
  assert first.split()[4:6] == ["perfect", "perfect"] and "worse" in second.split()
  assert mean.split()[2:7] == third.split()[2:7]
  assert note.startswith("quality 10: 2 of 3 images equal") and note.endswith(": a.png, b.png")
  assert note.split(":")[0] in tables.markdown([restored, blank, other])


def test_of_several_methods_the_text_shows_the_means_quality_by_quality():
  rows = [*ROWS, *(dataclasses.replace(row, model="tv") for row in ROWS)]
  _, *lines = tables.text(rows).splitlines()
  assert [line.split()[:2] for line in lines] == [
    ["net", "10"],
    ["tv", "10"],
    ["net", "20"],
    ["tv", "20"],
  ]


def _live1(psnr_offset=0.0, images=29):
  """Returns rows with the means that JPEGs of gray LIVE1 have."""
  (reference,) = (
    one for one in published.REFERENCES if (one.test_set, one.kind) == ("LIVE1", "gray")
  )
  figures = dict(
    zip(published.QUALITIES, zip(reference.psnr, reference.ssim, strict=True), strict=True)
  )
  return [
    _row(str(index), quality, figures[quality][0] + psnr_offset, 29.5, figures[quality][1], 0.8)
    for quality in (10, 40)
    for index in range(images)
  ]


def _cells(text, *first):
  """Returns the cells of the one line of Markdown tables that begins with some."""
  lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines())
  (cells,) = (cells for cells in lines if cells[: len(first)] == list(first))
  return cells


def test_published_figures_share_a_table_with_ours_where_the_jpegs_prove_the_same_images():
  text = tables.markdown(_live1(), protocol.ProtocolConfig(gray=True))
  beside, others = text.split("## Published figures on other images")
  beside = beside.split("## Beside published figures: LIVE1")[1]
  assert _cells(beside, "net") == ["net", "measured here", "29.50 / 0.8000", "29.50 / 0.8000"]
  assert _cells(beside, "FBCNN") == ["FBCNN", "published: Jiang 2021", "29.75", "34.53"]
  assert "LIVE1" not in others and _cells(others, "MambaIRv2*")[2:] == [
    "Classic5, gray",
    "30.37",
    "-",
    "33.81",
    "34.64",
  ]


@pytest.mark.parametrize(
  ("rows", "settings"),
  [
    (_live1(images=24), {"gray": True}),
    (_live1(psnr_offset=0.011), {"gray": True}),
    (_live1(), {}),
    (_live1(), {"luma": True}),
    (_live1(), {"gray": True, "double_quality": 30}),
  ],
)
def test_published_figures_of_other_images_or_protocols_never_share_a_table_with_ours(
  rows, settings
):
  text = tables.markdown(rows, protocol.ProtocolConfig(**settings))
  assert "Beside published" not in text and "measured here" not in text
  # Of luma no table is published, and of double JPEGs one of its own.
  double = bool(settings.get("double_quality"))
  assert ("## Published figures on other images" in text) == (not (settings.get("luma") or double))
  assert ("## Published figures of double JPEGs" in text) == double


def test_figures_of_another_protocol_stand_beside_the_psnr_of_its_own_jpegs():
  assert _cells(tables.markdown(ROWS), "QGCN")[3:5] == [
    "27.84 (JPEG 25.60)",
    "30.16 (JPEG 27.96)",
  ]


def test_published_figures_of_double_jpegs_stand_where_gray_ones_were_measured():
  settings = protocol.ProtocolConfig(gray=True, double_quality=10)
  text = tables.markdown(ROWS, settings)
  assert _cells(text, "FBCNN") == [
    "FBCNN",
    "Jiang 2021",
    "LIVE1, gray, 10 then 50, by (4, 4)",
    "28.20",
  ]
  assert _cells(text, "FBCNN, trained with double JPEG")[-1] == "29.52"
  colour = tables.markdown(ROWS, protocol.ProtocolConfig(double_quality=10))
  assert "Published" not in colour


def test_markdown_states_images_protocol_figures_and_intervals():
  text = tables.markdown(ROWS, protocol.ProtocolConfig(subsampling="444"))
  assert "2 images; colour JPEG 4:4:4; measured on RGB together" in text
  interval = tables.interval(figures_lib.means(ROWS)[0])
  ten, twenty = (_cells(text, quality, "net")[2:7] for quality in ("10", "20"))
  assert ten == ["23.000", "24.250", "+1.250", interval, "0.5000"]
  assert twenty[:4] == ["30.000", "31.000", "+1.000", "-"]
