import dataclasses
import os
import pathlib
import shutil

from PIL import Image
import pytest

from deblock.records.layout import manifest
from deblock.records.photos import results
from deblock.records.planning import config as config_lib
from deblock.records.writing import writer


@pytest.fixture
def build_records(program_module):
  return program_module("build_records")


@pytest.fixture(scope="module")
def made(tmp_path_factory, photograph):
  """Records of four images: one of them a copy, one broken."""
  root = tmp_path_factory.mktemp("records")
  (root / "images").mkdir()
  for number in range(2):
    Image.fromarray(photograph(64, 96, number)).save(root / "images" / f"{number}.png")
  shutil.copy(root / "images" / "0.png", root / "images" / "copy.png")
  (root / "images" / "broken.png").write_bytes(b"no image")
  config = config_lib.RecordsConfig(
    images=str(root / "images"),
    records=str(root / "out"),
    tile_size=48,
    qualities=(10, 30),
    test_share=0.0,
  )
  return writer.write(config)


def test_the_summary_counts_and_names(build_records, made):
  lines = build_records.summary(made).splitlines()
  assert lines[0].split() == ["split", "images", "shards", "tiles", "MiB"]
  assert lines[1].split()[:4] == ["train", "2", "1", "8"]
  assert lines[2].split() == ["skipped", "reason", "images"]
  assert lines[3].split(maxsplit=1)[0] == "1" and lines[3].endswith("broken.png")
  assert "cannot be read as an image" in lines[3]
  assert lines[4:] == ["left out copy.png: the same pixels as 0.png"]


def test_records_without_a_held_out_tile_say_so(build_records, made):
  (note,) = build_records.held_out_notes(made)
  assert note.startswith("no tile is held out: ")
  held_out = dataclasses.replace(made, splits={"test": made.splits["train"]})
  assert build_records.held_out_notes(held_out) == []


def test_what_is_skipped_is_a_table_by_reason(build_records, made):
  reasons = [f"is {side}x7 pixels, smaller than one 48x48 tile" for side in range(5)]
  skipped = [manifest.SkippedEntry(str(i), f"in/{i}.png", r) for i, r in enumerate(reasons)]
  skipped.insert(2, manifest.SkippedEntry("x", "in/x.png", "is empty"))
  jpegs = tuple(dataclasses.replace(image, format="JPEG") for image in made.images[:1])
  changed = dataclasses.replace(made, skipped=tuple(skipped), images=jpegs, copies=())
  lines = build_records.summary(changed).splitlines()[2:]
  assert [" ".join(line.split()) for line in lines] == [
    "skipped reason images",
    "5 is …x7 pixels, smaller than one 48x48 tile in/0.png, in/1.png, in/2.png and 2 more",
    "1 is empty in/x.png",
    "1 image is a JPEG, whose artifacts count as clean; --jpeg_downscale=2 reduces them: "
    + jpegs[0].path,
  ]


def test_the_summary_of_any_name_can_be_printed(build_records, made):
  skipped = dataclasses.replace(made.skipped[0], path=os.fsdecode(b"caf\xe9.png"))
  text = build_records.summary(dataclasses.replace(made, skipped=(skipped,)))
  assert r"  caf\xe9.png" in text and text.encode("utf-8")


def test_inspecting_whole_records_draws_a_picture(build_records, made, tmp_path, capsys):
  folder = pathlib.Path(shutil.copytree(made.folder, tmp_path / "copy"))
  assert build_records.inspect(str(folder)) == 0
  printed = capsys.readouterr().out
  assert build_records.summary(made) in printed
  assert "1 shards are whole" in printed
  # It is no clean image of records to come.
  assert set(results.load(folder)) == {build_records.CONTACT_SHEET}
  with Image.open(folder / build_records.CONTACT_SHEET) as sheet:
    assert min(sheet.size) > 500
  # The picture makes the folder no other one.
  assert manifest.load(folder) == made


def test_inspecting_damaged_records_fails_and_names_the_shard(
  build_records, made, tmp_path, capsys
):
  folder = pathlib.Path(shutil.copytree(made.folder, tmp_path / "copy"))
  path = next(folder.glob("deblock-train*"))
  data = bytearray(path.read_bytes())
  data[len(data) // 2] ^= 255
  path.write_bytes(data)
  assert build_records.inspect(str(folder)) == 1
  assert f"damaged: {path} is damaged after" in capsys.readouterr().out
  assert not (folder / build_records.CONTACT_SHEET).exists()
