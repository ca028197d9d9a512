"""The page's own code, run by Node and compared with the Python that it must equal."""

import io
import json
import pathlib
import shutil
import subprocess
import zipfile

import jpeglib
import numpy as np
from PIL import Image, ImageCms, ImageOps
import pytest

from deblock.launch.page import building
from deblock.launch.restoring import photograph as photograph_lib
from deblock.model import tiling
from deblock.model.networks import config
from deblock.records.jpeg import coefficients, encoders
from deblock.records.photos import original, reading

SHARED = pathlib.Path(__file__).parents[4] / "shared"
SCRIPT = pathlib.Path(__file__).with_name("core.mjs")
MOST_DIFFERENT = 1e-4  # Share of samples, each by one level.
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


def _node(*tasks):
  """Returns the answers to tasks, see `core.mjs`."""
  done = subprocess.run(
    ["node", SCRIPT, building.FILES], input=json.dumps(tasks), capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  return json.loads(done.stdout)


def _blurred(tiles, tables):
  """The network of `core.mjs`; its weights give few samples in the middle between two levels."""
  del tables
  near = np.pad(tiles, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
  beside = near[:, 1:-1, :-2] + near[:, 1:-1, 2:] + near[:, :-2, 1:-1] + near[:, 2:, 1:-1]
  return (np.float32(0.59317) * tiles + np.float32(0.1017075) * beside).astype(np.float32)


TRAITS = config.Traits(
  name="blur",
  context=40,
  border="zeros",
  blockwise=False,
  keeps_size=True,
  conditioned=True,
  pools=False,
)
NETWORK = tiling.Tiled(_blurred, TRAITS)


def _save(path, pixels, **options):
  Image.fromarray(pixels).save(path, "JPEG", **options)
  return path


@pytest.fixture(scope="module")
def files(photograph, tmp_path_factory):
  """JPEGs of every kind that Pillow and jpeglib write, of sides that end within blocks."""
  folder = tmp_path_factory.mktemp("jpegs")
  made = []
  for index, (sampling, options) in enumerate(
    (s, o)
    for s in ("4:4:4", "4:2:2", "4:2:0")
    for o in ({"quality": 12}, {"quality": 60, "progressive": True}, {"quality": 93})
  ):
    pixels = photograph(51 + 2 * index, 98 - 3 * index, index)
    path = folder / f"{sampling.replace(':', '')}-{options['quality']}.jpg"
    made.append(_save(path, pixels, subsampling=sampling, optimize=index % 2 == 1, **options))
  gray = photograph(61, 83)[..., 1]
  made.append(_save(folder / "gray.jpg", gray, quality=35))
  made.append(_save(folder / "gray-p.jpg", gray, quality=75, progressive=True))
  made.append(_save(folder / "restarts.jpg", photograph(70, 70), restart_marker_blocks=3))
  made.append(_save(folder / "rgb.jpg", photograph(40, 50), quality=50, keep_rgb=True))
  made.append(_save(folder / "dark.jpg", photograph(64, 64) // 9, quality=20))
  flat = np.full((40, 56, 3), 255, np.uint8)
  flat[:, 24:] = (200, 30, 60)
  made.append(_save(folder / "flat.jpg", flat, quality=60))
  made.append(_save(folder / "tiny.jpg", photograph(3, 2), quality=60))
  made.append(_save(folder / "wide.jpg", photograph(40, 578)[:, :, :], quality=25))
  # Of samplings that Pillow does not write.
  for name, factors in (("440", (2, 1)), ("411", (1, 4)), ("410", (2, 4))):
    jpeg = jpeglib.from_spatial(photograph(53, 75))
    jpeg.samp_factor = (factors, (1, 1), (1, 1))
    made.append(folder / f"{name}.jpg")
    jpeg.write_spatial(str(made[-1]), qt=30)
  return made


def _kodak(tmp_path):
  paths = sorted((SHARED / "data" / "kodak").glob("*.png"))[:4]
  if not paths:
    pytest.skip("../shared is not there")
  made = []
  for index, path in enumerate(paths):
    with Image.open(path) as picture:
      pixels = np.asarray(picture.convert("RGB"))[index : 210 + index, :307]
    options = {"quality": (15, 40, 75, 90)[index], "progressive": index % 2 == 1}
    made.append(_save(tmp_path / f"{index}.jpg", pixels, **options))
  return made


def _check_reading(paths, folder):
  tasks = [{"act": "read", "path": str(path), "out": str(folder / path.name)} for path in paths]
  for path, answer in zip(paths, _node(*tasks), strict=True):
    data = reading.with_end(path.read_bytes())
    assert "error" not in answer, (path, answer)
    header = original.decode(data, str(path)).header
    words = [answer["colours"], answer["sampling"]]
    assert " ".join(filter(None, words)) == str(header).removesuffix(", progressive"), path
    assert answer["progressive"] == header.progressive
    assert np.array_equal(np.reshape(answer["tables"], (2, 8, 8)), header.tables), path
    assert answer["quality"] == encoders.nearest_quality(header.tables)
    found = coefficients.read(data)
    for index, plane in enumerate(found.planes):
      assert answer["shapes"][index] == list(plane.integers.shape[:2]), path
      assert tuple(answer["factors"][index]) == plane.factors
      assert answer["steps"][index] == plane.steps.ravel().tolist()
      own = np.fromfile(folder / f"{path.name}.{index}", np.int16)
      np.testing.assert_array_equal(own, plane.integers.ravel(), str(path))


def _shares_of_different_samples(paths, folder, **options):
  """Returns for each file the share of samples that differ from Python's, by one level at most."""
  tasks = [
    {"act": "restore", "path": str(path), "out": str(folder / f"{path.name}.out"), **options}
    for path in paths
  ]
  shares = []
  for path, answer in zip(paths, _node(*tasks), strict=True):
    assert "error" not in answer, (path, answer)
    found = original.decode(path.read_bytes(), str(path))
    expected = photograph_lib.restore_original(found, NETWORK, **options)
    own = np.fromfile(folder / f"{path.name}.out", np.uint8).reshape(expected.samples.shape)
    away = np.abs(own.astype(int) - expected.samples)
    assert away.max() <= 1, path
    shares.append((np.count_nonzero(away), away.size))
    if expected.kept_close is not None:
      assert answer["keptClose"] == pytest.approx(expected.kept_close, abs=1e-3), path
  different, samples = np.sum(shares, axis=0)
  return different / samples


def _readable_cases():
  if not SHARED.exists():
    pytest.skip("../shared is not there")
  names = ("*.jpg", "*.jpe", "*.jfif", "*.mpo")
  paths = sorted(path for name in names for path in (SHARED / "cases").glob(name))
  return [path for path in paths if path.stem not in ("p_12bit", "s_dnl")]


def test_headers_and_coefficients_are_those_that_python_reads(files, tmp_path):
  _check_reading(files, tmp_path)


def test_headers_and_coefficients_of_odd_files_are_those_that_python_reads(tmp_path):
  _check_reading([*_readable_cases(), *_kodak(tmp_path)], tmp_path)


def test_results_are_pythons(files, tmp_path):
  assert _shares_of_different_samples(files, tmp_path) <= MOST_DIFFERENT


def test_results_of_odd_files_and_photographs_are_pythons(tmp_path):
  paths = [*_readable_cases(), *_kodak(tmp_path)]
  assert len(paths) >= 20
  assert _shares_of_different_samples(paths, tmp_path) <= MOST_DIFFERENT


def test_strength_and_quality_are_pythons(files, tmp_path):
  few = [path for path in files if path.stem in ("420-12", "444-93", "gray")]
  share = _shares_of_different_samples(few, tmp_path, strength=0.43, quality=30)
  assert share <= MOST_DIFFERENT


@pytest.mark.parametrize(("context", "grid"), [(32, 8), (40, 16), (40, 32), (40, 96)])
def test_parts_cover_a_side_once_and_windows_have_one_size_and_all_of_the_context(context, grid):
  lengths = [*range(1, 2300, 7), 639, 640, 680, 704, 720, 721, 1280, 1320, 4000]
  tasks = [{"act": "parts", "length": n, "context": context, "grid": grid} for n in lengths]
  for length, parts in zip(lengths, _node(*tasks), strict=True):
    edges = [part["first"] for part in parts] + [length]
    assert edges[0] == 0 and [part["end"] for part in parts] == edges[1:]
    (size,) = {part["size"] for part in parts}
    assert size <= 640 + grid + 2 * context
    for part in parts:
      assert part["first"] < part["end"]
      assert part["first"] % grid == part["window"] % 8 == 0 <= part["window"]
      assert part["first"] - part["window"] >= min(context, part["first"])
      end = part["window"] + size
      assert end >= min(part["end"] + context, length) and end < length + 8


@pytest.mark.parametrize(
  ("name", "reason"),
  [("p_12bit.jpg", "12 bits a sample"), ("s_dnl.jpg", "DNL"), ("w_real.heic", "decode")],
)
def test_what_cannot_be_read_is_named(name, reason, tmp_path):
  if not SHARED.exists():
    pytest.skip("../shared is not there")
  task = {"act": "restore", "path": str(SHARED / "cases" / name), "out": str(tmp_path / "none")}
  (answer,) = _node(task)
  assert reason in answer["error"]


def test_large_and_truncated_images_are_refused(photograph, tmp_path):
  data = _save(tmp_path / "a.jpg", photograph(64, 64), quality=80).read_bytes()
  (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
  place = data.index(b"\xff\xc0") + 5
  sides = (4097).to_bytes(2, "big") * 2
  (tmp_path / "large.jpg").write_bytes(data[:place] + sides + data[place + 4 :] + bytes(300_000))
  (tmp_path / "empty.jpg").write_bytes(b"")
  cut, large, empty = _node(
    *(
      {"act": "restore", "path": str(tmp_path / f"{name}.jpg")}
      for name in ("cut", "large", "empty")
    )
  )
  assert cut == {"error": "is truncated or damaged", "known": True, "stack": ""}
  assert "4097 are 16.8 megapixels" in large["error"] and large["known"]
  assert empty["error"] == "is empty" and empty["known"]


def test_damaged_files_end_in_a_result_or_a_reason(photograph, tmp_path):
  random = np.random.default_rng(0)
  tasks = []
  whole = [
    _save(tmp_path / f"{progressive}.jpg", photograph(34, 41), progressive=progressive).read_bytes()
    for progressive in (False, True)
  ]
  for index in range(160):
    path, data = tmp_path / f"{index}.jpg", bytearray(whole[index % 2])
    for place in random.integers(2, len(data), 1 + index % 4):
      data[place] = random.integers(256)
    path.write_bytes(data)
    tasks.append({"act": "read", "path": str(path), "out": str(tmp_path / "planes")})
  answers = _node(*tasks)
  assert [answer["stack"] for answer in answers if answer.get("stack")] == []
  refused = sum("error" in answer for answer in answers)
  assert 20 < refused < 150


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pngs_are_upright_and_keep_exif_and_profile(photograph, tmp_path, orientation):
  profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  exif = Image.Exif()
  exif[0x112], exif[0x10F] = orientation, "maker"
  path = tmp_path / "a.jpg"
  # Of quality 98 on pixels stay as they are.
  options = {"quality": 99, "subsampling": 0, "exif": exif, "icc_profile": profile}
  _save(path, photograph(24, 40), **options)
  (answer,) = _node({"act": "save", "path": str(path), "out": str(tmp_path / "a.png")})
  assert answer == {"notes": []}
  with Image.open(tmp_path / "a.png") as made, Image.open(path) as picture:
    assert made.info["icc_profile"] == profile
    assert (made.getexif()[0x112], made.getexif()[0x10F]) == (1, "maker")
    np.testing.assert_array_equal(made, ImageOps.exif_transpose(picture))


def test_metadata_go_into_jpegs_and_webps(photograph, tmp_path):
  exif = Image.Exif()
  exif[0x112], exif[0x10F] = 6, "maker"
  profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
  xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
  options = {"exif": exif, "icc_profile": profile, "xmp": xmp, "comment": b"said"}
  source = _save(tmp_path / "a.jpg", photograph(24, 40), **options)
  tasks = []
  for kind, name in (("jpg", "JPEG"), ("webp", "WEBP")):
    into = tmp_path / f"into.{kind}"
    Image.fromarray(photograph(24, 40)).save(into, name, lossless=True)
    paths = {"path": str(source), "into": str(into), "out": str(tmp_path / f"out.{kind}")}
    tasks.append({"act": "carry", "kind": kind, "width": 40, "height": 24, **paths})
  assert _node(*tasks) == [{}, {}]
  for kind in ("jpg", "webp"):
    with Image.open(tmp_path / f"out.{kind}") as made, Image.open(tmp_path / f"into.{kind}") as old:
      assert made.info["icc_profile"] == profile
      assert (made.getexif()[0x112], made.getexif()[0x10F]) == (1, "maker")
      assert made.info["xmp"] == xmp.replace(b'"6"', b'"1"')
      assert (kind == "webp") or made.info["comment"] == b"said"
      np.testing.assert_array_equal(made, old)


def test_archives_hold_the_files_under_names_that_differ(tmp_path):
  contents = [b"one", b"", bytes(range(256)) * 40]
  paths = [tmp_path / str(index) for index in range(3)]
  for path, content in zip(paths, contents, strict=True):
    path.write_bytes(content)
  names = ["é.png", "a.png", "A.png"]
  out = tmp_path / "all.zip"
  _node({"act": "zip", "paths": [str(path) for path in paths], "names": names, "out": str(out)})
  with zipfile.ZipFile(io.BytesIO(out.read_bytes())) as archive:
    assert archive.testzip() is None
    assert archive.namelist() == ["é.png", "a.png", "A 2.png"]
    assert [archive.read(name) for name in archive.namelist()] == contents
