import concurrent.futures
import io
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading

import numpy as np
from PIL import Image
import pytest
from scipy import fft

from deblock.records.jpeg import coefficients, scans

# A jpeglib that does not return, for the process that reads apart. It leaves its number in a file.
_STUB = """
import os, pathlib, time
def read_dct(path):
  pathlib.Path(os.environ["PID_FILE"]).write_text(str(os.getpid()))
  {}
"""


def _saved(pixels, **options):
  stream = io.BytesIO()
  Image.fromarray(pixels).save(stream, "JPEG", **options)
  return stream.getvalue()


def test_integers_and_steps_are_those_of_the_decoded_gray_image(photograph):
  # Of mean contrast, so that nothing is clipped.
  pixels = (photograph(40, 56)[..., 0] // 2 + 64).astype(np.uint8)
  data = _saved(pixels, quality=60)
  found = coefficients.read(data)
  (plane,) = found.planes
  assert (found.height, found.width, found.grid) == (40, 56, (8, 8))
  assert plane.integers.shape == (5, 7, 8, 8) and plane.factors == (1, 1)
  with Image.open(io.BytesIO(data)) as picture:
    assert plane.steps.ravel().tolist() == picture.quantization[0]
    decoded = np.asarray(picture).astype(float) - 128.0
  blocks = decoded.reshape(5, 8, 7, 8).swapaxes(1, 2)
  expected = fft.dctn(blocks, axes=(2, 3), norm="ortho") / plane.steps
  np.testing.assert_allclose(plane.integers, expected, atol=0.6)


@pytest.mark.parametrize(
  ("subsampling", "factors", "shape", "grid"),
  [
    ("4:2:0", (2, 2), (4, 7, 8, 8), (16, 16)),
    ("4:2:2", (1, 2), (7, 7, 8, 8), (8, 16)),
    ("4:4:4", (1, 1), (7, 13, 8, 8), (8, 8)),
  ],
)
@pytest.mark.parametrize("progressive", [False, True])
def test_planes_have_their_sampling(photograph, subsampling, factors, shape, grid, progressive):
  data = _saved(photograph(51, 97), subsampling=subsampling, progressive=progressive)
  found = coefficients.read(data)
  assert [plane.factors for plane in found.planes] == [(1, 1), factors, factors]
  assert found.planes[0].integers.shape == (7, 13, 8, 8)
  assert all(plane.integers.shape == shape for plane in found.planes[1:])
  assert found.grid == grid and not found.is_colourless
  np.testing.assert_array_equal(found.planes[1].steps, found.planes[2].steps)


def test_a_file_and_its_bytes_are_read_alike_and_nothing_is_left(photograph, tmp_path, monkeypatch):
  monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
  (tmp_path / "temporary").mkdir()
  data = _saved(photograph(16, 16))
  (tmp_path / "a.jpg").write_bytes(data)
  some, others = coefficients.read(tmp_path / "a.jpg"), coefficients.read(data)
  for one, other in zip(some.planes, others.planes, strict=True):
    np.testing.assert_array_equal(one.integers, other.integers)
  with pytest.raises(coefficients.CoefficientsError):
    coefficients.read(data[:200])
  assert not list((tmp_path / "temporary").iterdir())
  assert tempfile.tempdir == str(tmp_path / "temporary")


def test_threads_do_not_disturb_each_other(photograph, tmp_path, monkeypatch):
  monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
  data = _saved(photograph(16, 16))
  with concurrent.futures.ThreadPoolExecutor(4) as threads:
    found = list(threads.map(coefficients.read, [data] * 64))
  assert all((one.planes[0].integers == found[0].planes[0].integers).all() for one in found)
  assert tempfile.tempdir == str(tmp_path) and not list(tmp_path.iterdir())


def _equal(some, others):
  assert (some.height, some.width) == (others.height, others.width)
  for one, other in zip(some.planes, others.planes, strict=True):
    np.testing.assert_array_equal(one.integers, other.integers)
    np.testing.assert_array_equal(one.steps, other.steps)
    assert one.integers.dtype == other.integers.dtype and one.factors == other.factors


def test_a_process_of_its_own_reads_the_same_and_refuses_the_same(photograph, monkeypatch):
  colour, cut = _saved(photograph(51, 97)), _saved(photograph(51, 97))[:200]
  expected = coefficients.read(colour)
  monkeypatch.setattr(coefficients, "_MOST_SECONDS_HERE", -1.0)
  _equal(coefficients.read(colour), expected)
  with pytest.raises(coefficients.CoefficientsError, match="libjpeg cannot read its coefficients"):
    coefficients.read(cut)


def test_ordinary_files_are_read_in_this_process_and_irregular_ones_apart(photograph, monkeypatch):
  def refuse(*arguments, **options):
    raise OSError("a process")

  monkeypatch.setattr(subprocess, "Popen", refuse)
  # The largest of ordinary cameras, at their best.
  assert coefficients._seconds(scans.Work(3 * 375_000, 12 * 375_000), 15_000_000) < 2.0
  for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}):
    coefficients.read(_saved(photograph(48, 48), **options))
  data = _saved(photograph(48, 48))
  place = data.index(b"\xff\xda")
  with pytest.raises(OSError, match="a process"):
    coefficients.read(data[:place] + b"\xff\xdc\0\4\0\x30" + data[place:])


@pytest.fixture
def stub(monkeypatch, tmp_path):
  """The function (line) that has the process of its own run a line in place of jpeglib's reading.

  It returns the file with the number of that process.
  """

  def write(line):
    (tmp_path / "stub").mkdir()
    (tmp_path / "stub" / "jpeglib.py").write_text(_STUB.format(line))
    return tmp_path / "pid"

  (tmp_path / "temporary").mkdir()
  monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
  monkeypatch.setenv("PID_FILE", str(tmp_path / "pid"))
  monkeypatch.syspath_prepend(tmp_path / "stub")
  monkeypatch.setattr(coefficients, "_MOST_SECONDS_HERE", -1.0)
  yield write
  assert not list((tmp_path / "temporary").iterdir())
  # Neither running nor a zombie.
  with pytest.raises(ProcessLookupError):
    os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms limit less")
@pytest.mark.parametrize(
  ("line", "reason"),
  [
    ("os.abort()", r"reading its coefficients failed \(SIGABRT\)"),
    ("os._exit(7)", r"reading its coefficients failed \(exit status 7\)"),
    ("bytearray(2**32)", "there is not enough memory to read its coefficients"),
  ],
)
def test_a_crash_and_too_much_memory_become_reasons(photograph, stub, capfd, line, reason):
  stub(line)
  with pytest.raises(coefficients.CoefficientsError, match=reason):
    coefficients.read(_saved(photograph(16, 16)))
  assert capfd.readouterr() == ("", "")


def test_a_process_that_takes_too_long_is_ended(photograph, stub, monkeypatch):
  pid = stub("time.sleep(100)")
  # Longer than it takes to start.
  monkeypatch.setattr(coefficients, "_MOST_SECONDS", 3.0)
  with pytest.raises(coefficients.CoefficientsError, match="coefficients took over 3 s"):
    coefficients.read(_saved(photograph(16, 16)))
  assert pid.exists()


def test_ctrl_c_ends_the_process(photograph, stub):
  pid = stub("time.sleep(100)")

  def interrupt():
    while not pid.exists() or not pid.read_text():
      threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.SIGINT)

  thread = threading.Thread(target=interrupt)
  # A shell lets what it starts in the background ignore Ctrl-C.
  before = signal.signal(signal.SIGINT, signal.default_int_handler)
  try:
    thread.start()
    with pytest.raises(KeyboardInterrupt):
      coefficients.read(_saved(photograph(16, 16)))
    thread.join()
  finally:
    signal.signal(signal.SIGINT, before)


def _with_scans(data, count, blocks):
  """Returns a progressive JPEG with scans behind it that refine luma and say "no change"."""
  # One code, "0": in so many blocks as 2^14 and the next 14 bits say, nothing follows.
  tables = bytes((0x10, 1, *[0] * 15, 0xE0))
  runs = "".join("0" + "1" * 14 for _ in range(-(-blocks // 0x7FFF)))
  runs += "1" * (-len(runs) % 8)
  coded = int(runs, 2).to_bytes(len(runs) // 8, "big").replace(b"\xff", b"\xff\0")
  scan = bytes((1, 1, 0, 1, 63, 0x10))
  segments = [
    bytes((0xFF, marker)) + struct.pack(">H", len(payload) + 2) + payload
    for marker, payload in ((0xC4, tables), (0xDA, scan))
  ]
  return data[:-2] + segments[0] + (segments[1] + coded) * count + data[-2:]


def test_many_scans_of_a_large_image_are_read_apart_and_ended(monkeypatch, capfd):
  stream = io.BytesIO()
  Image.new("RGB", (4000, 3008)).save(stream, "JPEG", progressive=True)
  data = _with_scans(stream.getvalue(), 85, 376 * 500)
  assert len(data) < 100_000 and not scans.problem(data)
  assert coefficients._seconds(scans.work(data), len(data)) > coefficients._MOST_SECONDS_HERE
  monkeypatch.setattr(coefficients, "_MOST_SECONDS", 0.5)
  with pytest.raises(coefficients.CoefficientsError, match=r"coefficients took over 0\.5 s"):
    coefficients.read(data)
  assert capfd.readouterr().err == ""


@pytest.mark.parametrize("most_seconds_here", [2.0, -1.0])
def test_warnings_of_libjpeg_are_dropped(photograph, monkeypatch, capfd, most_seconds_here):
  monkeypatch.setattr(coefficients, "_MOST_SECONDS_HERE", most_seconds_here)
  data = _saved(photograph(64, 64))
  coefficients.read(data[: len(data) * 3 // 4])
  assert capfd.readouterr() == ("", "")


def test_a_gray_image_in_three_components_is_colourless(photograph):
  gray = np.repeat(photograph(16, 16)[..., :1], 3, axis=2)
  assert coefficients.read(_saved(gray)).is_colourless


def test_what_is_refused_is_said(photograph, tmp_path, monkeypatch):
  with pytest.raises(coefficients.CoefficientsError, match="libjpeg cannot read its coefficients"):
    coefficients.read(b"no JPEG at all")
  stream = io.BytesIO()
  Image.fromarray(photograph(16, 16)).convert("CMYK").save(stream, "JPEG")
  with pytest.raises(coefficients.CoefficientsError, match="it has 4 components"):
    coefficients.read(stream.getvalue())
  with pytest.raises(FileNotFoundError):
    coefficients.read(tmp_path / "missing.jpg")
  monkeypatch.setitem(sys.modules, "jpeglib", None)
  with pytest.raises(coefficients.CoefficientsError, match="jpeglib, which reads coefficients, is"):
    coefficients.read(_saved(photograph(16, 16)))
