import shutil

import pytest
import tensorflow as tf

from deblock.records.layout import manifest, schema
from deblock.records.writing import writer


def test_val_is_a_split_of_its_own_and_test_is_as_without_it(records, tmp_path, small_config):
  made = writer.write(small_config(records.images, tmp_path / "out", val_share=0.3))
  assert list(made.splits) == ["train", "val", "test"] and all(map(made.count, made.splits))
  before = {image.id: image.split for image in manifest.load(records.records).images}
  after = {image.id: image.split for image in made.images}
  assert before.keys() == after.keys() and set(after.values()) == set(made.splits)
  assert all(after[image] == split for image, split in before.items() if split == "test")
  dataset = tf.data.TFRecordDataset(list(made.shard_paths("val")))
  keys = [schema.parse(record, made.clean_encoding).key.numpy().decode() for record in dataset]
  assert {key.rsplit("/", 2)[0] for key in keys} == {
    image for image, split in after.items() if split == "val"
  }


def test_too_many_bad_images_are_an_error_that_can_be_mended(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images", sizes=((48, 48), (48, 48)))
  for name in "abcdefg":
    (images / f"{name}.png").write_bytes(b"")
  config = small_config(images, tmp_path / "out", shards="1")
  message = r"7 of 9 images cannot be used, more than max_bad_fraction=0\.5 allows:\n"
  with pytest.raises(ValueError, match=message + r"  .*a\.png: cannot be .*(\n.*)+ and 2 more"):
    writer.write(config)
  with pytest.raises(FileNotFoundError):
    manifest.load(config.records)
  # Mended images are taken up again; the limit is no part of what the records are.
  others = write_images(tmp_path / "others", sizes=((48, 48),) * 4)
  for name, other in (("a", 2), ("b", 3)):
    shutil.copy(others / f"{other}.png", images / f"{name}.png")
  lenient = small_config(images, tmp_path / "out", shards="1", max_bad_fraction=0.6)
  made = writer.write(lenient)
  assert [image.id for image in made.images] == ["0.png", "1.png", "a.png", "b.png"]


def test_nothing_usable_is_an_error_however_lenient(tmp_path, small_config):
  (tmp_path / "images").mkdir()
  (tmp_path / "images" / "a.png").write_bytes(b"")
  config = small_config(tmp_path / "images", tmp_path / "out", max_bad_fraction=1.0)
  with pytest.raises(ValueError, match="1 of 1 images cannot be used, so there is nothing"):
    writer.write(config)
