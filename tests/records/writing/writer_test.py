import io
import os
import pathlib
import shutil

from PIL import Image
import pytest
import tensorflow as tf

from deblock.records.graphics import kinds
from deblock.records.jpeg import codec
from deblock.records.layout import manifest, new_file, schema
from deblock.records.planning import hashing
from deblock.records.writing import folder, running, writer


def _contents(place):
  return {path.name: path.read_bytes() for path in pathlib.Path(place).glob("deblock-*")}


def _times(place, pattern="**/*"):
  return {path: path.stat().st_mtime_ns for path in pathlib.Path(place).glob(pattern)}


@pytest.fixture
def config(records, tmp_path, small_config):
  """The settings of the shared records over a copy of them that a test may change."""
  shutil.copytree(records.records, tmp_path / "out")
  return small_config(records.images, tmp_path / "out")


@pytest.fixture
def no_beam(monkeypatch):
  """Fails the test if any shard is made."""

  def refuse(*unused):
    raise AssertionError("a shard was made again")

  monkeypatch.setattr(running, "_run_pipeline", refuse)


def test_the_folder_is_complete(records):
  loaded = manifest.load(records.records)
  assert loaded.settings == records.settings
  assert len(loaded.splits["train"]) == 2
  names = {path.name for path in pathlib.Path(records.records).iterdir()}
  assert names == {
    *(entry.file for shards in loaded.splits.values() for entry in shards),
    "manifest.json",
    "settings.json",
    "dataset_info.json",
    "features.json",
    ".shards",
  }


def test_names_that_are_not_utf8_are_written_or_named(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),) * 2)
  sound = next(images.iterdir())
  try:
    sound.rename(images / os.fsdecode(b"sound\xe9.png"))
    (images / os.fsdecode(b"broken\xe9.png")).write_bytes(b"no picture")
  except OSError:
    pytest.skip("this file system takes UTF-8 names only")
  made = writer.write(small_config(images, tmp_path / "out", test_share=0.0))
  assert r"sound\xe9.png" in {image.id for image in made.images}
  (skipped,) = made.skipped
  assert skipped.id == r"broken\xe9.png"
  assert manifest.load(made.folder) == made


def test_no_image_has_tiles_in_two_splits(records):
  loaded = manifest.load(records.records)
  found = {}
  for split in loaded.splits:
    for record in tf.data.TFRecordDataset(list(loaded.shard_paths(split))):
      key = tf.train.Example.FromString(record.numpy()).features.feature["key"].bytes_list.value[0]
      found.setdefault(key.decode().rsplit("/", 2)[0], set()).add(split)
  assert found == {image.id: {image.split} for image in loaded.images}


def test_a_second_run_does_nothing(config, no_beam):
  before = _times(config.records)
  assert writer.write(config) == manifest.load(config.records)
  assert _times(config.records) == before


def test_complete_records_outlive_their_images(config, small_config, tmp_path, no_beam):
  path = tmp_path / "images"
  shutil.copytree(config.images, path)
  text = (tmp_path / "out" / "settings.json").read_text().replace(config.images, str(path))
  (tmp_path / "out" / "settings.json").write_text(text)
  shutil.rmtree(path)
  assert writer.write(small_config(path, config.records)).count("train") > 0


def test_an_interrupted_run_makes_only_what_is_missing(config):
  before = _contents(config.records)
  place = pathlib.Path(config.records)
  name = "deblock-train.tfrecord-00001-of-00002"
  (place / manifest.NAME).unlink()
  (place / name).unlink()
  times = _times(place, "deblock-*")
  pathlib.Path(new_file.temporary_path(place / ".shards")).write_bytes(b"half a shard")
  seen = []
  made = writer.write(config, on_progress=lambda now: seen.append((now.shards, now.all_shards)))
  total = sum(map(len, made.splits.values()))
  assert seen == [(total - 1, total), (total, total)]
  assert _contents(config.records) == before
  assert times.items() <= _times(place, "deblock-*").items()
  assert not list(place.rglob("*.tmp"))


def test_a_run_that_lacked_only_the_manifest_starts_no_pipeline(config, no_beam):
  expected = manifest.load(config.records)
  (pathlib.Path(config.records) / manifest.NAME).unlink()
  assert writer.write(config) == expected
  assert manifest.load(config.records) == expected


def test_a_damaged_shard_is_repaired(config):
  before = _contents(config.records)
  path = pathlib.Path(config.records) / "deblock-train.tfrecord-00000-of-00002"
  path.write_bytes(path.read_bytes()[:-5])
  writer.write(config)
  assert _contents(config.records) == before


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_number_of_workers(records, tmp_path, small_config):
  config = small_config(records.images, tmp_path / "out", workers=2)
  assert writer.write(config) == manifest.load(records.records)
  assert _contents(config.records) == _contents(records.records)


@pytest.mark.slow
def test_workers_draw_images_as_anybody_else_does(records, tmp_path, small_config):
  drawn = {"graphics_count": 26, "graphics_side": 64, "test_share": 0.3, "seed": 4}
  made = writer.write(small_config(records.images, tmp_path / "out", workers=2, **drawn))
  digests = {image.id: image.digest for image in made.images}
  assert {image.id for image in manifest.load(records.records).images} < set(digests)
  for index in range(26):
    id = f"graphics/train/seed4/64px/{index:06}-{kinds.kind(index)}"
    assert digests[id] == hashing.content_hash(kinds.draw("train", 4, index, 64))


def test_other_settings_are_refused_whether_or_not_the_run_was_finished(config, small_config):
  other = small_config(config.images, config.records, qualities=(30,))
  message = r"qualities=10,20, not 30: .* --overwrite"
  with pytest.raises(ValueError, match=message):
    writer.write(other)
  (pathlib.Path(config.records) / manifest.NAME).unlink()
  with pytest.raises(ValueError, match=message):
    writer.write(other)


def test_other_images_under_the_same_settings_are_refused(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  config = small_config(images, tmp_path / "out")
  writer.write(config)
  write_images(images, sizes=((48, 48), (48, 64)))
  message = r"other images \(1 then, 2 now; 1\.png is new\).*--overwrite"
  with pytest.raises(ValueError, match=message):
    writer.write(config)


def test_a_folder_of_other_things_is_left_alone(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  with pytest.raises(ValueError, match=r"has other files and no settings\.json"):
    writer.write(small_config(images, images))
  assert [path.name for path in images.iterdir()] == ["0.png"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  config = small_config(images, images / "0.png" / "out")
  with pytest.raises(PermissionError, match=r"records folder .*0\.png/out cannot be"):
    writer.write(config)


def test_no_images_leave_no_folder(tmp_path, small_config):
  with pytest.raises(FileNotFoundError, match="no file or folder matches"):
    writer.write(small_config(tmp_path / "none", tmp_path / "out"))
  assert not (tmp_path / "out").exists()


def test_a_shard_without_records_is_kept_and_passed_over(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  (images / "a.png").write_bytes(b"")
  config = small_config(images, tmp_path / "out", test_share=0.0)
  made = writer.write(config)
  assert sorted(entry.count for entry in made.splits["train"]) == [0, 1]
  assert len(made.shard_paths("train")) == 1

  import tensorflow_datasets as tfds

  dataset = tfds.builder_from_directory(config.records).as_dataset(split="train")
  assert len(list(dataset)) == 1


def test_a_split_without_records_stays_readable(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  (images / "a.png").write_bytes(b"")
  made = writer.write(small_config(images, tmp_path / "out", test_share=0.5))
  assert sorted((made.count("train"), made.count("test"))) == [0, 1]


def test_the_streams_decode_to_the_size_of_the_tile(records):
  loaded = manifest.load(records.records)
  for record in tf.data.TFRecordDataset(list(loaded.shard_paths("train"))).take(2):
    features = tf.train.Example.FromString(record.numpy()).features.feature
    for stream in features["compressed"].bytes_list.value:
      assert codec.decode(stream).shape == (48, 48, 3)


def test_other_settings_replace_the_old_ones_where_they_may(config, small_config):
  place = pathlib.Path(config.records)
  (place / "notes.txt").write_text("mine")
  changes = {"qualities": (30,), "shards": "1"}
  made = writer.write(small_config(config.images, place, overwrite=True, **changes))
  assert made.qualities == (30,)
  assert manifest.load(place) == made
  names = {path.name for path in place.glob("deblock-*")}
  assert names == {entry.file for entries in made.splits.values() for entry in entries}
  assert (place / "notes.txt").read_text() == "mine"
  assert not (place / ".shards" / "deblock-train.tfrecord-00001-of-00002.json").exists()


def test_overwriting_takes_new_images_up(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  writer.write(small_config(images, tmp_path / "out"))
  write_images(images, sizes=((48, 48), (48, 64)))
  made = writer.write(small_config(images, tmp_path / "out", overwrite=True))
  assert [image.id for image in made.images] == ["0.png", "1.png"]


def test_what_is_up_to_date_is_not_overwritten(config, small_config, no_beam):
  before = _times(config.records)
  writer.write(small_config(config.images, config.records, overwrite=True))
  assert _times(config.records) == before


def test_a_second_writer_is_refused(config):
  (pathlib.Path(config.records) / manifest.NAME).unlink()
  with (
    folder.writing(config.records),
    pytest.raises(BlockingIOError, match="is being written by another process"),
  ):
    writer.write(config)


def _keys(made):
  """Returns the keys of all records, by split."""
  found = {split: [] for split in made.splits}
  for split in made.splits:
    for record in tf.data.TFRecordDataset(list(made.shard_paths(split))).as_numpy_iterator():
      features = tf.train.Example.FromString(record).features.feature
      found[split].append(features["key"].bytes_list.value[0].decode())
  return found


def test_equal_pixels_are_taken_once_whatever_their_file(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images")
  (images / "copies").mkdir()
  shutil.copy(images / "0.png", images / "copies" / "renamed.png")
  with Image.open(images / "1.png") as picture:
    picture.save(images / "copies" / "other.bmp")
  made = writer.write(small_config(images, tmp_path / "out"))
  assert [(copy.id, copy.of) for copy in made.copies] == [
    ("copies/other.bmp", "1.png"),
    ("copies/renamed.png", "0.png"),
  ]
  assert [image.id for image in made.images] == [f"{number}.png" for number in range(5)]
  keys = [key for split in _keys(made).values() for key in split]
  assert len(keys) == len(set(keys)) == sum(image.tiles for image in made.images)
  assert not any(key.startswith("copies/") for key in keys)
  # Going on from what an interrupted run left, and starting afresh, end with the same bytes.
  before = _contents(tmp_path / "out")
  (tmp_path / "out" / manifest.NAME).unlink()
  (tmp_path / "out" / made.splits["train"][0].file).unlink()
  assert writer.write(small_config(images, tmp_path / "out")) == made
  assert _contents(tmp_path / "out") == before


def test_no_test_image_resembles_a_training_image(tmp_path, photograph, small_config):
  images = tmp_path / "images"
  images.mkdir()
  for number in range(6):
    picture = Image.fromarray(photograph(128, 160, number))
    picture.save(images / f"{number}.png")
    # A copy that went through a JPEG, as photographs on the web do.
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    with Image.open(buffer) as again:
      again.save(images / f"{number}-copy.png")
  free = writer.write(small_config(images, tmp_path / "free", near_duplicate_bits=-1))
  first = {image.id: image.split for image in free.images}
  across = {n for n in range(6) if first[f"{n}.png"] != first[f"{n}-copy.png"]}
  assert across and not free.near
  made = writer.write(small_config(images, tmp_path / "out"))
  final = {image.id: image.split for image in made.images}
  for number in range(6):
    assert final[f"{number}.png"] == final[f"{number}-copy.png"]
  assert {near.id.split(".")[0].split("-")[0] for near in made.near} >= {str(n) for n in across}
  moved = {image for image in final if final[image] != first[image]}
  assert {final[image] for image in moved} == {"train"}
  for split, keys in _keys(made).items():
    assert {final[key.rsplit("/", 2)[0]] for key in keys} <= {split}


def test_a_list_decides_which_images_are_tests(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images")
  listed = tmp_path / "test.txt"
  listed.write_text("# held out\n2.png\n\n  4.png \n")
  config = small_config(images, tmp_path / "out", test_list=str(listed))
  made = writer.write(config)
  assert [image.id for image in made.images if image.split == "test"] == ["2.png", "4.png"]
  listed.write_text("1.png\n")
  with pytest.raises(ValueError, match="has records with test_list_hash"):
    writer.write(config)


def test_a_list_that_is_missing_or_empty_is_named(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48),))
  listed = tmp_path / "test.txt"
  config = small_config(images, tmp_path / "out", test_list=str(listed))
  with pytest.raises(FileNotFoundError, match=r"test_list .*test\.txt cannot be read"):
    writer.write(config)
  listed.write_text("# nothing\n")
  with pytest.raises(ValueError, match=r"test_list .*test\.txt names no image"):
    writer.write(config)


@pytest.mark.parametrize("downscale", [1.0, 2.0])
def test_jpegs_among_the_clean_images_are_shrunk(tmp_path, photograph, small_config, downscale):
  Image.fromarray(photograph(96, 96)).save(tmp_path / "a.jpg", quality=30)
  Image.fromarray(photograph(96, 96, 1)).save(tmp_path / "b.png")
  made = writer.write(small_config(tmp_path, tmp_path / "out", jpeg_downscale=downscale))
  found = {(image.id, image.height, image.format) for image in made.images}
  assert found == {("a.jpg", 96 / downscale, "JPEG"), ("b.png", 96, "PNG")}


def test_going_on_works_from_another_folder(tmp_path, write_images, small_config, monkeypatch):
  write_images(tmp_path / "here" / "images", sizes=((48, 48), (64, 96)))
  monkeypatch.chdir(tmp_path / "here")
  made = writer.write(small_config("images", "out"))
  assert made.folder == str(tmp_path / "here" / "out")
  assert all(pathlib.Path(image.path).is_absolute() for image in made.images)
  monkeypatch.chdir(tmp_path)
  assert writer.write(small_config("here/images", "here/out")) == made


def _clean_tiles(made, split):
  """Returns the clean tiles of a split as bytes, sorted."""
  dataset = tf.data.TFRecordDataset(list(made.shard_paths(split)))
  parsed = (schema.parse(record, made.clean_encoding) for record in dataset)
  return sorted(element.clean.numpy().tobytes() for element in parsed)


def test_records_are_a_tfds_data_set_that_records_can_be_made_of(records, tmp_path, small_config):
  # TFDS looks for NAME/VERSION below its folder.
  shutil.copytree(records.records, tmp_path / "tfds" / "deblock" / "2.0.0")
  settings = {
    "source": "tfds:deblock",
    "tfds_feature": "clean",
    "tfds_dir": str(tmp_path / "tfds"),
    "test_share": 0.0,
    "near_duplicate_bits": -1,
  }
  made = writer.write(small_config("", tmp_path / "out", **settings))
  assert _clean_tiles(made, "train") == _clean_tiles(manifest.load(records.records), "train")
  assert made.images[0].id == "deblock/train/000000000"
  assert writer.write(small_config("", tmp_path / "out", **settings)) == made
