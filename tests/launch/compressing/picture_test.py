"""What compressing makes of images, with a network that adds nothing unless it is said."""

import io
import os
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest

import deblock
from deblock.launch.compressing import compress_config, one_file, picture, trials
from deblock.model import metrics, tiling
from deblock.records.photos import original


class Same:
  """A network that gives back what it gets."""

  def parts(self, compressed, tables):
    del tables
    yield tiling.Part(0, 0, compressed / np.float32(255.0))


def _file(pixels, name="PNG", **options):
  stream = io.BytesIO()
  Image.fromarray(pixels).save(stream, name, **options)
  return stream.getvalue()


def _compressed(data, network=None, **flags):
  config = compress_config.CompressConfig(out="o", plain=network is None, **flags)
  return picture.compress_original(original.decode(data, "a"), data, network, config)


def _psnr(made, pixels):
  with Image.open(io.BytesIO(made)) as opened:
    return trials.measured(metrics.psnr, np.asarray(opened), pixels)


@pytest.mark.parametrize("target", [28.0, 33.0, 38.0])
def test_the_psnr_is_reached_and_not_passed_by_much(photograph, target):
  pixels = photograph(96, 128)
  made = _compressed(_file(pixels), psnr=target)
  reached = _psnr(made.data, pixels)
  assert target <= reached <= target + 0.06
  assert made.facts["psnr_as_it_is"] == pytest.approx(reached, abs=1e-3)
  assert made.facts["bytes"] == len(made.data) and made.facts["restorations"] == 0
  # No usual JPEG of as good a quality is smaller.
  usual = [
    _file(pixels, "JPEG", quality=quality, optimize=True, subsampling=subsampling)
    for quality in range(1, 100, 2)
    for subsampling in ("4:2:0", "4:4:4")
  ]
  assert len(made.data) < min(len(data) for data in usual if _psnr(data, pixels) >= target)


@pytest.mark.parametrize(
  ("measure", "target", "most"), [("ssim", 0.93, 1e-3), ("ssimulacra2", 60.0, 0.6)]
)
def test_other_measures_are_reached(photograph, measure, target, most):
  made = _compressed(_file(photograph(96, 128)), **{measure: target})
  assert target <= made.facts[f"{measure}_as_it_is"] <= target + most


def test_what_is_restored_is_what_restoring_makes_of_the_file(photograph):
  pixels = photograph(96, 128)
  made = _compressed(_file(pixels), Same(), psnr=33.0)
  restored = trials.restored_by(Same())(made.data)
  reached = trials.measured(metrics.psnr, restored, pixels)
  assert made.facts["psnr_restored"] == pytest.approx(reached, abs=1e-3) and 33.0 <= reached < 33.06
  assert 0 < made.facts["restorations"] <= made.facts["encodes"] <= 60
  assert f"PSNR {reached:.3f} dB restored" in made.condition


def test_bytes_are_kept_to_metadata_included(photograph):
  pixels = photograph(96, 128)
  exif = Image.Exif()
  exif[271] = "Maker" * 100
  data = _file(pixels, exif=exif)
  with_exif, without = (
    _compressed(data, bytes="4000", metadata=metadata) for metadata in ("keep", "strip")
  )
  for made in (with_exif, without):
    assert 3900 < len(made.data) <= 4000
  assert _psnr(without.data, pixels) > _psnr(with_exif.data, pixels)
  assert b"Maker" in with_exif.data and b"Maker" not in without.data


def test_a_share_of_a_jpeg_is_saved(photograph):
  data = _file(photograph(96, 128), "JPEG", quality=90)
  made = _compressed(data, saving="40%")
  assert 0.58 * len(data) < len(made.data) <= 0.6 * len(data)
  assert "against the input, itself a JPEG" in made.notes
  with pytest.raises(ValueError, match="is no JPEG, of whose bytes a share could be saved"):
    _compressed(_file(photograph(24, 24)), saving="40%")


def test_a_jpeg_that_would_grow_keeps_its_bytes(photograph):
  data = _file(photograph(96, 128), "JPEG", quality=20)
  for flags in ({"psnr": 70.0}, {"psnr": 95.0}, {"bytes": "50k"}):
    made = _compressed(data, **flags)
    assert made.data == data and "smaller as it is" in made.condition
  commented = _file(photograph(96, 128), "JPEG", quality=20, comment=b"x")
  assert _compressed(commented, psnr=95.0, metadata="strip").data == data


def test_an_image_that_is_smaller_in_its_format_is_refused():
  data = _file(np.zeros((64, 64, 3), np.uint8))
  with pytest.raises(ValueError, match=r"is smaller as it is: \d+ bytes, and \d+ as a JPEG"):
    _compressed(data, psnr=40.0)


def test_what_cannot_be_reached_is_told_with_the_best_that_can(photograph):
  noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
  with pytest.raises(ValueError, match=r"cannot reach psnr 60: the best JPEG has \d\d\.\d+, with"):
    _compressed(_file(noise), psnr=60.0)
  with pytest.raises(ValueError, match=r"cannot have 300 bytes: the smallest JPEG has \d+"):
    _compressed(_file(photograph(96, 128)), bytes="300")
  with pytest.raises(ValueError, match="is too small for ssim: 8x16 pixels, at least 11 a side"):
    _compressed(_file(photograph(16, 8)), ssim=0.9)


def test_transparency_is_laid_on_the_colour_that_is_asked_for(photograph):
  pixels = np.dstack((photograph(48, 48), np.full((48, 48), 255, np.uint8)))
  assert _compressed(_file(pixels), psnr=30.0).notes == ()
  pixels[:24, :, 3] = 0
  with pytest.raises(ValueError, match=r"has transparency, .* --background=white"):
    _compressed(_file(pixels), psnr=30.0)
  made = _compressed(_file(pixels), psnr=30.0, background="#ff0000")
  with Image.open(io.BytesIO(made.data)) as opened:
    np.testing.assert_allclose(np.asarray(opened)[4, 4], (255, 0, 0), atol=12)
  assert "transparency laid on #ff0000" in made.notes


def test_gray_stays_gray_and_16_bits_become_8(photograph):
  gray = photograph(64, 64)[..., 1]
  made = _compressed(_file(gray), psnr=33.0)
  deep = _compressed(_file(gray.astype(np.uint16) * 257), psnr=33.0)
  for data in (made.data, deep.data):
    with Image.open(io.BytesIO(data)) as opened:
      assert opened.mode == "L"
  assert made.facts["sampling"] == "gray" and "16 bits became 8, as jpg has no more" in deep.notes


def test_the_result_is_upright(photograph):
  exif = Image.Exif()
  exif[274] = 6
  pixels = photograph(48, 64)
  made = _compressed(_file(pixels, "JPEG", quality=95, exif=exif), psnr=34.0)
  with Image.open(io.BytesIO(made.data)) as opened:
    assert opened.size == (48, 64) and opened.getexif().get(274, 1) == 1


def test_the_library_compresses_pixels_files_and_bytes(photograph, tmp_path):
  pixels = photograph(64, 64)
  (tmp_path / "a.png").write_bytes(_file(pixels))
  sources = pixels, _file(pixels), tmp_path / "a.png", Image.fromarray(pixels)
  made = {deblock.compress(source, psnr=30.0, plain=True, tables="ijg") for source in sources}
  assert len(made) == 1
  assert 30.0 <= _psnr(made.pop(), pixels) <= 30.1
  assert len(deblock.compress(pixels, max_bytes=2000, model="fast")) <= 2000
  with pytest.raises(ValueError, match="name one target"):
    deblock.compress(pixels)


def test_no_tables_of_the_ladders_make_a_file_that_is_smaller_by_more_than_a_hundredth(photograph):
  pixels = photograph(96, 128)
  made = _compressed(_file(pixels), psnr=31.0)
  sizes = []
  for kind in (trials.Kind(name, s) for name in ("sloped", "ijg") for s in ("4:2:0", "4:4:4")):
    for rung in range(300, 700, 3):
      data, _ = trials.encode(pixels, kind, rung)
      if _psnr(data, pixels) >= 31.0:
        sizes.append(len(data))
  assert len(made.data) <= 1.01 * min(sizes)


# Prints how many KiB compressing an image takes above what the process has.
_MEASURING = """
import io, pathlib, re, sys
import numpy as np
from PIL import Image
from deblock.launch.compressing import compress_config, picture
from deblock.model import tiling
from deblock.records.photos import original

class Same:
  def parts(self, compressed, tables):
    for top in range(0, compressed.shape[0], 96):
      yield tiling.Part(top, 0, compressed[top : top + 96] / np.float32(255.0))

def kib(name):
  return int(re.search(name + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

def compress(pixels):
  found = original.Original(pixels, None, 1, "", None, original.metadata_lib.Metadata(), ())
  picture.compress_original(found, b"", Same(), config)

name, target, side = sys.argv[1:]
config = compress_config.CompressConfig(
  out="o", tables="sloped", sampling="444", **{name: float(target)}
)
waves = np.add.outer(np.arange(int(side)) * 0.3, np.arange(int(side)) * 0.2)
pixels = np.stack([127.0 + 90.0 * np.sin(waves * rate) for rate in (0.5, 0.7, 1.1)], axis=2)
noise = np.random.default_rng(0).normal(0.0, 4.0, pixels.shape)
pixels = np.clip(pixels + noise, 0.0, 255.0).astype(np.uint8)
compress(pixels[:256, :256].copy())
pathlib.Path("/proc/self/clear_refs").write_text("5")  # Forgets the peak.
before = kib("VmRSS")
compress(pixels)
print(kib("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(("measure", "target"), [("psnr", 34.0), ("ssimulacra2", 70.0)])
def test_an_image_takes_no_more_memory_than_is_assumed(measure, target):
  side = 1400
  done = subprocess.run(
    [sys.executable, "-c", _MEASURING, measure, str(target), str(side)],
    capture_output=True,
    text=True,
    check=True,
    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
  )
  each = int(done.stdout) * 1024 / side**2
  assumed = one_file.BYTES_PER_PIXEL[measure]
  assert 0.5 * assumed < each < assumed
