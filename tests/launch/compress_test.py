"""deblock-compress as a program; what it makes of images is tested in launch/compressing."""

import json
import re

from PIL import Image
import pytest

from deblock.launch.file_sets import runner
from deblock.records.photos import results


@pytest.fixture
def photos(tmp_path, picture):
  """A folder of two photographs and a broken file."""
  folder = tmp_path / "photos"
  folder.mkdir()
  for number in range(2):
    Image.fromarray(picture(48, 64, number)).save(folder / f"{number}.png")
  (folder / "broken.png").write_bytes(b"no picture at all")
  return folder


def test_a_folder_is_compressed_what_cannot_be_is_named_and_finished_files_are_skipped(
  program, photos, tmp_path, monkeypatch
):
  monkeypatch.setattr(runner, "Apart", runner.Here)
  report = tmp_path / "report.json"
  command = ["compress", photos, "-o", tmp_path / "out", "--model=fast"]
  done = program(*command, "--psnr=33", f"--report={report}")
  assert done.returncode == 1 and "3/3 files" in done.stderr
  assert "failed: " in done.stdout and "broken.png" in done.stdout
  made = {path.name for path in (tmp_path / "out").iterdir()}
  assert made == {"0.jpg", "1.jpg", results.NAME}
  entries = {entry["status"]: entry for entry in json.loads(report.read_text())}
  assert entries["compressed"]["psnr_restored"] >= 33.0
  assert entries["compressed"]["bytes"] == (tmp_path / "out" / "1.jpg").stat().st_size
  again = program(*command, "--psnr=33")
  assert again.stdout.count("skipped: ") == 2
  # Another target is another result.
  other = program(*command, "--psnr=30")
  assert other.stdout.count("compressed: ") == 2


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    ([], "name one target"),
    (["--psnr=30", "--background=blanc"], "background must be a colour .* got 'blanc'"),
    (["--psnr=30", "--model=fats"], "Did you mean fast"),
  ],
)
def test_mistakes_are_named_before_any_work(program, photos, tmp_path, flags, message):
  done = program("compress", photos, f"--out={tmp_path / 'out'}", *flags)
  assert done.returncode == 1
  assert re.search(message, done.stderr)
