"""The report page in a real browser."""

import importlib.util
import io
import pathlib
import time

import numpy as np
from PIL import Image
import pytest

from deblock.launch.evaluation import figures as figures_lib
from deblock.launch.evaluation import methods
from deblock.launch.pictures import report


def _module(name):
  """Returns a module beside the tests' folders: pytest imports test files alone."""
  path = pathlib.Path(__file__).parents[2] / f"{name}.py"
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


browser = _module("browser")
pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(
    browser.programs() is None, reason="Chromium or ChromeDriver is not installed"
  ),
]
WIDE, NARROW = (1100, 900), (360, 740)
SECONDS = 20
LEFT, RIGHT = (200, 30, 30), (30, 30, 200)  # Colours of the JPEG and of the restored image.


def _pair():
  """Returns a method that turns red images blue, and one that leaves them."""
  blue = np.array(RIGHT, np.uint8)
  return [
    methods.Method("blue", lambda jpeg, tables: np.broadcast_to(blue, jpeg.shape).copy()),
    methods.Method("same", lambda jpeg, tables: jpeg),
  ]


@pytest.fixture(scope="module")
def page(tmp_path_factory, picture):
  """The file of a report on two images; the first is red, and blue when restored."""
  red = np.broadcast_to(np.array(LEFT, np.uint8), (160, 240, 3)).copy()
  images = [("red.png", red), ("waves.png", picture(96, 64))]
  trials = [
    [trial for quality in (30, 90) for trial in figures_lib.trials(_pair(), name, clean, quality)]
    for name, clean in images
  ]
  rows = [trial.row for of_image in trials for trial in of_image]
  path = tmp_path_factory.mktemp("report") / report.FILE
  content = report.page(rows, [report.card(of_image) for of_image in trials], "a protocol")
  path.write_text(content, encoding="utf-8")
  return path


@pytest.fixture(scope="module")
def session():
  with browser.opened() as opened:
    yield opened


@pytest.fixture
def shown(session, page):
  """The browser with the report freshly opened in a wide window, its first picture in view."""
  session.view(*WIDE)
  session.open(page)
  session.run("document.querySelector('.stage').scrollIntoView({block: 'center'})")
  _wait(session, "return document.querySelector('.under .shown').naturalWidth > 0")
  yield session
  assert session.complaints() == []


def _wait(session, script):
  until = time.monotonic() + SECONDS
  while not session.run(script):
    assert time.monotonic() < until, script
    time.sleep(0.05)


def _box(session):
  return session.run(
    "const b = document.querySelector('.stage').getBoundingClientRect();"
    "return [b.left, b.top, b.width, b.height]"
  )


def _share_of_red(session):
  """Returns how far to the right the JPEG is seen, in parts of the stage's width."""
  with Image.open(io.BytesIO(session.find(".stage").screenshot_as_png)) as picture:
    pixels = np.asarray(picture.convert("RGB")).astype(int)
  row = pixels[int(0.8 * len(pixels))]  # Below the handle and the labels.
  return np.mean(np.abs(row - LEFT).sum(axis=1) < np.abs(row - RIGHT).sum(axis=1))


def test_the_divider_moves_by_keyboard_mouse_and_finger_and_uncovers_the_picture(shown):
  assert _share_of_red(shown) == pytest.approx(0.5, abs=0.02)
  right, home = browser.KEYS.RIGHT, browser.KEYS.HOME
  shown.find(".divider").send_keys(right * 10)
  assert shown.run("return document.querySelector('.divider').value") == "60"
  assert _share_of_red(shown) == pytest.approx(0.6, abs=0.02)
  shown.find(".divider").send_keys(home)
  assert _share_of_red(shown) == pytest.approx(0.0, abs=0.02)
  left, top, width, height = map(int, _box(shown))
  middle = top + height // 2
  shown.drag((left + width // 2, middle), (left + width // 4, middle))
  assert _share_of_red(shown) == pytest.approx(0.25, abs=0.02)
  shown.view(*WIDE, touch=True)
  shown.drag((left + width // 4, middle), (left + 3 * width // 4, middle), "touch")
  assert _share_of_red(shown) == pytest.approx(0.75, abs=0.02)
  shown.view(*WIDE)


def test_quality_method_and_kind_of_comparison_can_be_chosen_by_keyboard(shown):
  tags = (
    "return [...document.querySelector('.card').querySelectorAll('.tag')].map(t => t.innerText)"
  )
  assert shown.run(tags) == ["JPEG, quality 30", "restored by blue"]
  shown.find(".choices input[value='30']").send_keys(browser.KEYS.RIGHT)
  shown.find(".choices input[value=blue]").send_keys(browser.KEYS.RIGHT)
  assert shown.run(tags) == ["JPEG, quality 90", "restored by same"]
  figures = shown.run("return document.querySelector('.card .figures tbody').innerText")
  assert "quality 90" in figures and "+0.00 dB" in figures
  shown.find(".choices input[value=jpeg]").send_keys(browser.KEYS.RIGHT)
  assert shown.run(tags)[0] == "clean"


def test_errors_are_black_where_there_are_none_and_bright_where_there_are(shown):
  shown.run("document.querySelector('.choices input[value=difference]').click()")
  _wait(shown, "return document.querySelector('.under .reference').naturalWidth > 0")
  with Image.open(io.BytesIO(shown.find(".stage").screenshot_as_png)) as picture:
    pixels = np.asarray(picture.convert("RGB")).astype(int)
  row = pixels[int(0.8 * len(pixels))]
  assert row[: len(row) // 3].max() <= 60  # The JPEG's levels are few off, times eight.
  assert row[-len(row) // 3 :, 0].min() >= 250 and row[-len(row) // 3 :, 2].min() >= 250


def test_pictures_are_zoomed_to_the_detail_and_moved(shown):
  place = """const made = getComputedStyle(document.querySelector('.sheet')).transform;
    const matrix = new DOMMatrix(made); return [matrix.a, matrix.e, matrix.f]"""
  assert shown.run(place) == [1, 0, 0]
  shown.find("[data-zoom=in]").click()
  zoom, x, _ = shown.run(place)
  assert zoom == 2 and x == pytest.approx(-_box(shown)[2] / 2, abs=1)
  left, top, width, height = map(int, _box(shown))
  shown.drag((left + width // 4, top + 80), (left + width // 4 + 60, top + 80))
  assert shown.run(place)[1] == pytest.approx(x + 60, abs=1)
  shown.find(".stage").send_keys(browser.KEYS.LEFT)
  assert shown.run(place)[1] == pytest.approx(x + 100, abs=1)
  shown.find("[data-zoom=detail]").click()
  detail = shown.run(
    "return JSON.parse(document.getElementById('data').textContent).cards[0].detail"
  )
  zoom, x, y = shown.run(place)
  scale = width / 240
  for start, moved, extent in ((detail[1], x, width), (detail[0], y, height)):
    first = start * scale * zoom + moved
    assert first >= -1 and first + detail[2] * scale * zoom <= extent + 1
  shown.find("[data-zoom=fit]").click()
  assert shown.run(place) == [1, 0, 0]


def test_the_table_sorts_both_ways_by_texts_and_numbers(shown):
  heads = shown.run("return [...document.querySelectorAll('#rows th')].map(h => h.innerText)")
  for column in (heads.index("image"), heads.index("quality"), heads.index("gain")):
    values = f"""return [...document.querySelectorAll('#rows tbody tr')].map(row => {{
      const cell = row.cells[{column}]; return cell.dataset.value ?? cell.textContent}})"""
    head = f"#rows th:nth-child({column + 1})"
    key = float if heads[column] != "image" else str
    for direction in ("ascending", "descending"):
      shown.find(f"{head} button").click()
      assert shown.run(f"return document.querySelector('{head}').ariaSort") == direction
      found = [key(value) for value in shown.run(values)]
      assert found == sorted(found, reverse=direction == "descending") and len(found) == 8
      assert shown.run("return document.querySelectorAll('#rows [aria-sort]').length") == 1


@pytest.mark.parametrize("dark", [False, True])
def test_ink_and_paper_follow_the_preference_and_differ_enough(shown, dark):
  shown.view(*WIDE, dark=dark)
  luminances = []
  for name in ("color", "backgroundColor"):
    text = shown.run(f"return getComputedStyle(document.body).{name}")
    levels = np.array([int(part) for part in text.strip("rgb()").split(",")[:3]]) / 255
    # WCAG 2.2, relative luminance.
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    luminances.append(linear @ (0.2126, 0.7152, 0.0722))
  ink, paper = luminances
  assert (paper < ink) == dark
  assert (max(luminances) + 0.05) / (min(luminances) + 0.05) > 7


def test_a_phone_shows_all_of_it_without_scrolling_sideways(shown, page):
  shown.view(*NARROW, touch=True)
  shown.open(page)
  # An image's own size would widen the page once it is there.
  shown.run("document.querySelectorAll('.stage')[1].scrollIntoView()")
  _wait(shown, "return document.querySelectorAll('.under .shown')[1].naturalWidth > 0")
  width = NARROW[0]
  assert shown.run("return document.documentElement.scrollWidth") == width
  beyond = """return [...document.querySelectorAll('body *')].filter(e =>
    !e.closest('.scroll *, .stage *, template') && e.getBoundingClientRect().right > innerWidth
  ).map(e => e.outerHTML.slice(0, 80))"""
  assert shown.run(beyond) == []
  small = """return [...document.querySelectorAll('.zoom button, .choices label')].filter(e =>
    e.getBoundingClientRect().height < 24).length"""
  assert shown.run(small) == 0, "WCAG 2.2 asks for targets of 24 pixels"


def test_every_control_has_a_role_and_a_name_of_its_own(shown):
  role, name = shown.name_of(".divider")
  assert role == "slider" and "red.png" in name and "restored by blue" in name
  assert shown.name_of("[data-zoom=in]") == ("button", "Zoom in")
  assert shown.name_of("[data-zoom=detail]") == ("button", "Detail")
  assert shown.name_of(".choices fieldset") == ("group", "Quality")
  assert shown.name_of(".choices input") == ("radio", "30")
  assert shown.name_of("#rows th button") == ("button", "image")
  role, name = shown.name_of(".plot div")
  assert role in ("img", "image") and "quality 30" in name
  assert shown.run("return document.querySelector('.divider').ariaValueText").startswith("50 %")
  nameless = """return [...document.querySelectorAll('button, input, [tabindex]')].filter(e =>
    !e.closest('template') && !(e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent)
  ).length"""
  assert shown.run(nameless) == 0
