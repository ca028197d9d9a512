import base64
import dataclasses
import io
import json
import math
import re

import numpy as np
from PIL import Image
import pytest

from deblock.launch.evaluation import figures, methods, protocol
from deblock.launch.pictures import report


def _darker(jpeg, tables):
  del tables
  return jpeg // 2


PAIR = [methods.Method("one", lambda jpeg, tables: jpeg), methods.Method("a<b>", _darker)]


def _trials(picture, name="a.png", size=(24, 40)):
  clean = picture(*size)
  return [trial for quality in (10, 30) for trial in figures.trials(PAIR, name, clean, quality)]


def _data(page):
  (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
  return json.loads(text)


def _pixels(uri):
  kind, _, data = uri.partition(";base64,")
  content = base64.b64decode(data)
  with Image.open(io.BytesIO(content)) as shown:
    assert shown.format.lower() == kind.removeprefix("data:image/")
    return content, np.asarray(shown.convert("RGB"))


@pytest.fixture(scope="module")
def trials(picture):
  return _trials(picture)


def test_the_page_holds_jpegs_byte_by_byte_and_the_other_pictures_without_loss(trials):
  page = report.page([trial.row for trial in trials], [report.card(trials)], "p")
  (card,) = _data(page)["cards"]
  assert (card["width"], card["height"]) == (40, 24)
  assert card["qualities"] == ["10", "30"] and card["models"] == ["one", "a<b>"]
  np.testing.assert_array_equal(_pixels(card["clean"])[1], trials[0].clean)
  for trial in trials:
    quality = str(trial.row.quality)
    assert _pixels(card["jpegs"][quality]["picture"])[0] == trial.data
    restored = card["restored"][quality][trial.row.model]
    np.testing.assert_array_equal(_pixels(restored["picture"])[1], trial.restored)
    assert restored["figures"][0] == f"{trial.row.psnr:.2f}"
    assert restored["tone"] == ("worse" if trial.row.model == "a<b>" else "same")


def test_a_gray_image_is_shown_too(picture):
  settings = protocol.ProtocolConfig(gray=True)
  (trial,) = figures.trials(methods.load(("identity",), ()), "g", picture(24, 24), 10, settings)
  shown = report.card([trial]).shown
  np.testing.assert_array_equal(_pixels(shown["clean"])[1], trial.clean.repeat(3, axis=2))
  assert _pixels(shown["jpegs"]["10"]["picture"])[0] == trial.data


def test_the_page_loads_nothing_and_names_cannot_break_out_of_it(trials):
  name = "</script><script>alert(1)</script>&.png"
  trials = [trial._replace(row=dataclasses.replace(trial.row, image=name)) for trial in trials]
  page = report.page([trial.row for trial in trials], [report.card(trials)], "p<q")
  assert "alert(1)</script>" not in page and "p<q" not in page and "<b>" not in page
  assert _data(page)["cards"][0]["name"] == name
  without_data = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]*", "", page)
  assert not re.findall(r"https?:|//[a-z]|@import|url\((?!#)|<link[^>]+stylesheet", without_data)


def test_the_tables_have_a_row_for_every_image_and_mean(trials, picture):
  trials = [*trials, *_trials(picture, "b.png", (32, 24))]
  rows = [trial.row for trial in trials]
  page = report.page(rows, [], "p")
  means, table = (
    re.findall(rf'<table id="{name}">.*?</table>', page, re.S)[0] for name in ("means", "rows")
  )
  assert table.count("<tr>") == 1 + len(rows) and means.count("<tr>") == 1 + 4
  for row in figures.means(rows):
    assert f"{row.gain_low:+.3f} to {row.gain_high:+.3f}" in means
  assert f'data-value="{rows[0].psnr_jpeg!r}"' in table
  assert '<section aria-labelledby="pictures" class="pictures" hidden>' in page


def test_what_is_not_finite_stays_readable_for_the_script(picture):
  clean = picture(24, 24)
  perfect = [methods.Method("perfect", lambda jpeg, tables: clean)]
  trials = list(figures.trials(perfect, "a", clean, 10))
  assert trials[0].row.psnr == math.inf
  page = report.page([trials[0].row], [report.card(trials)], "p")
  assert 'data-value="Infinity"' in page and _data(page)["cards"][0]["restored"]


@pytest.mark.parametrize(
  ("size", "text"), [(999, "999 bytes"), (24_832, "24.8 kB"), (5_394_877, "5.4 MB")]
)
def test_sizes_are_told_as_people_read_them(size, text):
  assert report.size_text(size) == text
