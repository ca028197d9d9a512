import dataclasses
import pathlib
import shutil

from PIL import Image
import pytest
import tensorflow_datasets as tfds

from deblock.records.layout import inspection, manifest
from deblock.records.writing import running, shard, writer

SIZES = ((64, 96), (48, 48), (70, 50), (48, 80), (96, 64), (64, 64), (50, 90))


@pytest.fixture
def grown(tmp_path, records, write_images, small_config):
  """A copy of the shared records, whose folder of images has grown: (settings, first manifest)."""
  images = tmp_path / "images"
  shutil.copytree(records.images, images)
  config = small_config(images, tmp_path / "out")
  first = writer.write(config)
  write_images(images, sizes=SIZES)
  with Image.open(images / "0.png") as picture:
    picture.save(images / "copy.bmp")
  return small_config(images, tmp_path / "out", append=True), first


def _bytes(folder):
  """Returns the content of each shard, and when it was written."""
  paths = pathlib.Path(folder).glob("deblock-*")
  return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def _splits(made):
  return {image.id: image.split for image in made.images}


def test_new_images_become_new_shards_and_old_ones_stay(grown):
  config, first = grown
  before = _bytes(config.records)
  made = writer.write(config)
  assert before.items() <= _bytes(config.records).items()
  assert _splits(first).items() <= _splits(made).items()
  assert _splits(made).keys() - _splits(first).keys() == {"5.png", "6.png"}
  assert [(copy.id, copy.of) for copy in made.copies] == [("copy.bmp", "0.png")]
  assert [bad.id for bad in made.skipped] == ["broken.png"]
  assert (first.appends, made.appends) == (0, 1)
  for split, shards in first.splits.items():
    assert made.splits[split][: len(shards)] == shards
  assert manifest.load(config.records) == made
  assert not list(inspection.problems(made))
  new = _bytes(config.records).keys() - before.keys()
  assert all("_1.tfrecord-" in path.name for path in new)
  # To TFDS they are splits of their own.
  builder = tfds.builder_from_directory(config.records)
  names = [name for name in builder.info.splits if name.startswith("train")]
  assert names == ["train", "train_1"]
  assert len(list(builder.as_dataset(split="+".join(names)))) == made.count("train")


def test_appending_again_does_nothing_until_there_are_more(
  grown, write_images, photograph, monkeypatch
):
  config, _ = grown
  made = writer.write(config)
  with monkeypatch.context() as patched:
    patched.setattr(running, "_run_pipeline", lambda *_: pytest.fail("a shard was made"))
    assert writer.write(config) == made
  images = write_images(pathlib.Path(config.images), sizes=(*SIZES, (80, 80)))
  # This one could not be read before.
  Image.fromarray(photograph(60, 70, 9)).save(images / "broken.png")
  again = writer.write(config)
  assert again.appends == 2
  assert _splits(again).keys() - _splits(made).keys() == {"7.png", "broken.png"}
  assert not again.skipped


def test_an_interrupted_append_leaves_the_old_folder_whole_and_resumes(
  grown, monkeypatch, tmp_path
):
  config, first = grown
  shutil.copytree(config.records, tmp_path / "whole")
  whole = writer.write(dataclasses.replace(config, records=str(tmp_path / "whole")))
  write = shard.write_shard
  begun = []

  def dying(*arguments):
    begun.append(arguments)
    if len(begun) > 1:
      raise OSError("the disk is gone")
    return write(*arguments)

  with monkeypatch.context() as patched:
    patched.setattr(shard, "write_shard", dying)
    with pytest.raises(RuntimeError, match="the disk is gone"):
      writer.write(config)
  assert manifest.load(config.records) == first
  finished = _bytes(config.records)
  assert any("_1." in path.name for path in finished)
  made = writer.write(config)
  assert finished.items() <= _bytes(config.records).items()
  assert made == whole
  for path in _bytes(config.records):
    assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()


def test_without_append_the_new_images_are_named_with_the_flag(grown, small_config):
  config, _ = grown
  with pytest.raises(ValueError, match=r"\(6 then, 9 now; .* is new\): --append adds the new ones"):
    writer.write(small_config(config.images, config.records))


def test_only_finished_records_of_the_same_settings_are_appended_to(grown, small_config, tmp_path):
  config, _ = grown
  with pytest.raises(FileNotFoundError, match=r"append needs finished records, and .*none"):
    writer.write(small_config(config.images, tmp_path / "none", append=True))
  with pytest.raises(ValueError, match=r"has records with qualities=10,20, not 30"):
    writer.write(small_config(config.images, config.records, append=True, qualities=(30,)))
  (pathlib.Path(config.records) / manifest.NAME).unlink()
  with pytest.raises(FileNotFoundError, match="writing was interrupted"):
    writer.write(config)


def test_records_with_appended_shards_are_not_written_anew_to_repair_them(grown, small_config):
  config, _ = grown
  made = writer.write(config)
  path = pathlib.Path(config.records) / made.splits["train"][0].file
  path.write_bytes(path.read_bytes()[:-5])
  message = r"truncated or replaced: .*and images were appended there: .*--overwrite"
  with pytest.raises(ValueError, match=message):
    writer.write(small_config(config.images, config.records))
  with pytest.raises(ValueError, match="truncated or replaced"):
    writer.write(config)
