"""The page in a real browser: what it restores is what Python restores, and it asks nobody else."""

import importlib.util
import io
import pathlib
import re
import threading
import zipfile

import numpy as np
from PIL import Image, ImageCms, ImageOps
import pytest

from deblock.launch import restoring
from deblock.launch.page import building, serving

SHARED = pathlib.Path(__file__).parents[4] / "shared"
DOCUMENTATION = pathlib.Path(__file__).parents[3] / "docs" / "page.md"
MOST_DIFFERENT = 1e-4


def _module(path):
  """Returns a module beside tests, given without .py: pytest imports test files alone."""
  path = pathlib.Path(__file__).parents[2] / f"{path}.py"
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


browser = _module("browser")
driver = _module("launch/page/driver")
pytestmark = [
  pytest.mark.slow,
  pytest.mark.skipif(
    browser.programs() is None, reason="Chromium or ChromeDriver is not installed"
  ),
]


@pytest.fixture(scope="module")
def contents():
  try:
    return building.contents()
  except OSError as error:
    pytest.skip(f"no runtime: {error}")


@pytest.fixture(scope="module")
def address(contents):
  """Of a server of the page."""
  with serving.of(contents, 0) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def session(tmp_path_factory):
  with browser.opened() as opened:
    opened.set_script_timeout(driver.SECONDS)
    opened.downloads = tmp_path_factory.mktemp("downloads")
    opened.execute_cdp_cmd(
      "Browser.setDownloadBehavior",
      {"behavior": "allow", "downloadPath": str(opened.downloads)},
    )
    yield opened


@pytest.fixture
def page(session, address):
  """The browser with the page freshly opened; no error or warning may be in its console."""
  session.view(1100, 900)
  session.get(f"{address}?debug")
  yield session
  assert session.complaints() == []


def _check_equal(own, data, **options):
  expected = restoring.restore(data, **options)
  away = np.abs(own.astype(int) - expected)
  assert away.max() <= 1
  # Of small images, a sample is more.
  assert np.count_nonzero(away) <= max(2, MOST_DIFFERENT * away.size)


def test_a_dropped_jpeg_is_restored_as_python_does(page, photograph):
  data = driver.jpeg(photograph(150, 203), quality=25)
  driver.give(page, "drop", {"holiday.jpg": data})
  ((state, text),) = driver.finished(page, 1).values()
  assert state == "done"
  assert text.startswith("203 × 150 · ") and "quality 25 · YCbCr 4:2:0" in text  # noqa: RUF001
  _check_equal(driver.shown(page), data, model="fast")
  assert page.run("return document.querySelector('.over .shown').naturalWidth") == 203
  assert "device: WebAssembly" in page.find("#debug").text
  page.run("document.querySelector('[name=model][value=default]').click()")
  driver.wait(lambda: driver.rows(page)["holiday.jpg"][0] != "done")
  driver.finished(page, 1)
  _check_equal(driver.shown(page), data)


def test_twenty_files_are_restored_as_python_does(page):
  if not SHARED.exists():
    pytest.skip("../shared is not there")
  files = [path.read_bytes() for path in sorted((SHARED / "cases").glob("*.jpg"))]
  unreadable = [(SHARED / "cases" / name).read_bytes() for name in ("p_12bit.jpg", "s_dnl.jpg")]
  files = [data for data in files if data not in unreadable][:16]
  for index, path in enumerate(sorted((SHARED / "data" / "kodak").glob("*.png"))[:4]):
    with Image.open(path) as picture:
      pixels = np.asarray(picture.convert("RGB"))[: 240 + index, :320]
    options = {"quality": (15, 30, 60, 85)[index], "progressive": index % 2 == 1}
    files.append(driver.jpeg(pixels, **options))
  assert len(files) == 20
  for data in files:
    _check_equal(driver.image(driver.restored(page, data)), data, model="fast")


def test_parts_of_a_large_image_fit_together(page, photograph):
  # Wider than a window of the network.
  pixels = np.tile(photograph(150, 400), (2, 2, 1))[:290, :780]
  data = driver.jpeg(pixels, quality=30, subsampling="4:2:2")
  _check_equal(driver.image(driver.restored(page, data)), data, model="fast")


def test_what_cannot_be_restored_is_named_and_stops_nothing_else(page, photograph):
  good = driver.jpeg(photograph(40, 48), quality=40)
  place = good.index(b"\xff\xc0") + 5
  huge = good[:place] + (5000).to_bytes(2, "big") * 2 + good[place + 4 :] + bytes(300_000)
  files = {
    "empty.jpg": b"",
    "text.jpg": b"no image at all",
    "cut.jpg": good[: len(good) // 2],
    "huge.jpg": huge,
    "good.jpg": good,
  }
  driver.give(page, "drop", files)
  rows = driver.finished(page, 5)
  reasons = {
    "empty.jpg": "is empty",
    "text.jpg": "cannot be read as an image",
    "cut.jpg": "is truncated",
    "huge.jpg": "is too large",
  }
  for name, reason in reasons.items():
    state, text = rows[name]
    assert state == "failed" and text.startswith(f"{name} {reason}"), text
  assert rows["good.jpg"][0] == "done"
  assert page.find("#said").get_attribute("textContent") == "1 file restored, 4 failed."


def test_fifty_files_are_saved_as_one_archive(page, photograph):
  pixels = photograph(24, 150)
  files = {f"{n}.jpg": driver.jpeg(pixels[:, 2 * n : 2 * n + 24], quality=30) for n in range(50)}
  driver.give(page, "drop", files)
  assert {state for state, _ in driver.finished(page, 50).values()} == {"done"}
  page.find("#save-all").click()
  path = page.downloads / "restored.zip"
  driver.wait(path.exists)
  with zipfile.ZipFile(path) as archive:
    assert archive.testzip() is None
    assert archive.namelist() == [f"{n}.png" for n in range(50)]
    _check_equal(driver.image(archive.read("17.png")), files["17.jpg"], model="fast")
  page.find("#clear").click()
  assert driver.rows(page) == {} and not page.find("#viewer").is_displayed()


def test_work_is_stopped_and_the_page_answers_meanwhile(page, photograph):
  large = driver.jpeg(np.tile(photograph(400, 600), (4, 3, 1)), quality=30)
  driver.give(
    page, "paste", {"large.jpg": large, "next.jpg": driver.jpeg(photograph(32, 32), quality=30)}
  )
  page.run("window.ticks = 0; setInterval(() => { window.ticks++; }, 20)")
  driver.wait(lambda: driver.rows(page)["large.jpg"][0] == "working")
  before = page.run("return window.ticks")
  driver.wait(lambda: page.run("return window.ticks") >= before + 5)
  assert driver.rows(page)["large.jpg"][0] == "working"
  page.find("#list li .button").click()
  rows = driver.finished(page, 2)
  assert rows["large.jpg"] == ["stopped", "stopped"] and rows["next.jpg"][0] == "done"


def test_formats_keep_orientation_profile_and_samples(page, photograph):
  exif = Image.Exif()
  exif[0x112], exif[0x10F] = 6, "maker"
  profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  data = driver.jpeg(photograph(40, 64), quality=30, exif=exif, icc_profile=profile)
  png = driver.restored(page, data)
  _check_equal(driver.image(png), data, model="fast")
  made = {kind: driver.restored(page, data, format=kind) for kind in ("webp", "jpg")}
  np.testing.assert_array_equal(driver.image(made["webp"]), driver.image(png))
  assert np.abs(driver.image(made["jpg"]).astype(int) - driver.image(png)).mean() < 3
  for content in (png, *made.values()):
    with Image.open(io.BytesIO(content)) as picture:
      assert picture.size == (40, 64) and picture.info["icc_profile"] == profile
      assert (picture.getexif()[0x112], picture.getexif()[0x10F]) == (1, "maker")


def test_a_format_is_chosen_after_restoring_and_saved_before_other_files_are_done(page, photograph):
  data = driver.jpeg(photograph(40, 48), quality=30)
  large = driver.jpeg(np.tile(photograph(400, 600), (4, 3, 1)), quality=30)
  driver.give(page, "paste", {"a.b.jpg": data, "large.jpg": large})
  driver.wait(lambda: driver.rows(page)["large.jpg"][0] == "working")
  page.find("#format").send_keys("W")
  page.find("#save").click()
  path = page.downloads / "a.b.webp"
  driver.wait(path.exists)
  assert driver.rows(page)["large.jpg"][0] == "working"
  page.find("#stop-all").click()
  driver.finished(page, 2)
  np.testing.assert_array_equal(driver.image(path.read_bytes()), driver.shown(page))


def test_a_file_that_cannot_be_saved_says_why(page, photograph):
  page.run(
    """const ask = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (task) {
      ask.call(this, task.kind === "convert" ? { ...task, result: new Blob(["none"]) } : task);
    };"""
  )
  driver.give(page, "paste", {"a.jpg": driver.jpeg(photograph(40, 48), quality=30)})
  driver.finished(page, 1)
  page.find("#format").send_keys("W")
  for button in ("#save", "#save-all"):
    page.find(button).click()
    driver.wait(lambda: "not saved: " in driver.rows(page)["a.jpg"][1])
    page.run("document.querySelector('#list .status').textContent = ''")
  assert page.find("#save-all").is_enabled()


def test_pngs_take_a_quality_and_the_dial_its_strength(page, photograph):
  jpeg = driver.jpeg(photograph(48, 64), quality=20)
  stream = io.BytesIO()
  Image.fromarray(driver.image(jpeg)).save(stream, "PNG")
  driver.give(page, "drop", {"shot.png": stream.getvalue()})
  ((state, text),) = driver.finished(page, 1).values()
  assert state == "done" and text.endswith("set the quality it had as a JPEG")
  np.testing.assert_array_equal(driver.shown(page), driver.image(jpeg))
  page.find("#quality").send_keys("20", browser.KEYS.ENTER, browser.KEYS.TAB)
  driver.wait(lambda: "quality 20 as asked" in driver.rows(page)["shot.png"][1])
  _check_equal(driver.shown(page), driver.image(jpeg), model="fast", quality=20)
  page.find("#strength").send_keys(browser.KEYS.LEFT * 10)
  driver.wait(lambda: page.find("#strength-text").text == "50 %")
  driver.finished(page, 1)
  _check_equal(driver.shown(page), driver.image(jpeg), model="fast", quality=20, strength=0.5)


def test_everything_is_reached_by_keyboard_and_has_a_name(page, photograph):
  page.find("#choose").send_keys(str(_written(page, photograph)))
  driver.finished(page, 1)
  page.run("document.activeElement.blur()")
  reached = []
  for _ in range(30):
    browser.webdriver.ActionChains(page).send_keys(browser.KEYS.TAB).perform()
    element = page.switch_to.active_element
    if element.tag_name == "body":
      break
    assert element.accessible_name, element.get_attribute("outerHTML")
    reached += (element.get_attribute("id") or element.get_attribute("class")).split()
  for name in ("choose", "strength", "format", "stage", "divider", "quality", "save", "clear"):
    assert name in reached, (name, reached)
  assert page.run("return document.querySelector('.shown').alt") == "keys.jpg, restored"


def _written(page, photograph):
  path = page.downloads / "keys.jpg"
  path.write_bytes(driver.jpeg(photograph(32, 48), quality=40))
  return path


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1200, False)])
def test_nothing_is_wider_than_the_window(page, photograph, width, dark):
  page.view(width, 800, dark=dark, touch=width < 500)
  name = "a rather long name of a photograph that somebody has taken at the sea.jpg"
  driver.give(page, "drop", {name: driver.jpeg(photograph(60, 90), quality=40), "none.jpg": b""})
  driver.finished(page, 2)
  assert page.run("return document.scrollingElement.scrollWidth") <= width
  background = page.run("return getComputedStyle(document.body).backgroundColor")
  assert background == ("rgb(20, 21, 22)" if dark else "rgb(250, 249, 247)")


def test_the_example_for_other_pages_restores_and_upgrades(session, contents, photograph):
  (example,) = re.findall(r"```html\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)
  images = """<img src="small.jpg"><img src="small.jpg" id="near">
    <div style="height: 5000px"></div><img src="small.jpg" id="far">"""
  head = '<!DOCTYPE html><link rel="icon" href="data:,">'
  files = {f"page/{name}": content for name, content in contents.items()}
  files["index.html"] = f"{head}{images}{example}".encode()
  files["small.jpg"] = driver.jpeg(photograph(64, 80), quality=20)
  with serving.of(files, 0) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session.get(f"http://127.0.0.1:{server.server_port}/")
    state = "return document.getElementById(arguments[0]).dataset.deblock"
    driver.wait(lambda: session.run(state, "near") == "restored")
    assert session.run(state, "far") is None
    near = session.run(
      "const { width, height } = document.getElementById('near'); return [width, height]"
    )
    assert near == [80, 64]
    first = session.run("return document.querySelector('img').src")
    assert first.startswith("blob:")
    made = driver.image(driver.fetched(session, "return (await fetch(arguments[0])).blob()", first))
    _check_equal(made, files["small.jpg"], model="fast")
    server.shutdown()
  assert session.complaints() == []


def test_arguments_are_checked(page):
  wrong = {"model": "none"}, {"strength": 2}, {"quality": 101}, {"format": "gif"}
  for options in wrong:
    message = page.execute_async_script(
      """const [options, done] = arguments;
      import("./deblock.js").then(({ restore }) => restore(new Blob([]), options))
        .catch((error) => done(error.message))""",
      options,
    )
    assert next(iter(options)) in message


def test_no_request_leaves_the_host(page, address, photograph):
  driver.give(page, "drop", {"a.jpg": driver.jpeg(photograph(32, 32), quality=30)})
  driver.finished(page, 1)
  names = page.run("return performance.getEntriesByType('resource').map(({ name }) => name)")
  assert names and all(name.startswith((address, "blob:")) for name in names)
  # Where the page may not, its worker may not either.
  blocked = page.execute_async_script(
    """const done = arguments[0], other = "http://127.0.0.1:9/";
    const ask = `fetch("${other}").catch((error) => postMessage(String(error)))`;
    const seen = [];
    const script = `self.addEventListener("securitypolicyviolation", (event) =>
      postMessage(event.effectiveDirective)); ${ask}`;
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
    worker.onmessage = ({ data }) => { seen.push(data); if (seen.length === 2) done(seen); };"""
  )
  assert "connect-src" in blocked
  complaints = page.complaints()
  assert complaints and all("127.0.0.1:9" in text for text in complaints)


def test_any_static_server_will_do_and_the_page_works_offline(session, contents, photograph):
  data = {"a.jpg": driver.jpeg(photograph(40, 48), quality=30)}
  with serving.of(contents, 0, headers={}) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session.get(f"http://127.0.0.1:{server.server_port}/?debug")
    assert session.run("return self.crossOriginIsolated") is False
    driver.give(session, "drop", data)
    driver.finished(session, 1)
    assert "threads: 1" in session.find("#debug").text
    driver.wait(lambda: session.run("return Boolean(navigator.serviceWorker.controller)"))
    server.shutdown()
  session.refresh()
  # The headers for threads come from the service worker now.
  assert session.run("return self.crossOriginIsolated") is True
  driver.give(session, "drop", data)
  ((state, _),) = driver.finished(session, 1).values()
  assert state == "done" and "offline: true" in session.find("#debug").text
  _check_equal(driver.shown(session), data["a.jpg"], model="fast")
  assert session.complaints() == []


def _upright(data):
  with Image.open(io.BytesIO(data)) as picture:
    return np.asarray(ImageOps.exif_transpose(picture))


def test_an_image_that_is_left_as_it_is_is_shown_so(page, photograph):
  exif = Image.Exif()
  exif[0x112] = 8
  data = driver.jpeg(photograph(40, 48), quality=99, exif=exif)
  driver.give(page, "drop", {"good.jpg": data})
  ((_, text),) = driver.finished(page, 1).values()
  assert "left as it is" in text
  np.testing.assert_array_equal(driver.shown(page), _upright(data))
