import json
import pathlib
import shutil

import pytest

from deblock.records.layout import manifest


@pytest.fixture
def folder(records, tmp_path):
  """A copy of the shared records that a test may change."""
  return pathlib.Path(shutil.copytree(records.records, tmp_path / "copy"))


def _change(folder, **changes):
  path = folder / manifest.NAME
  path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_manifest_survives_its_file(folder):
  loaded = manifest.load(folder)
  manifest.save(str(folder), loaded)
  assert manifest.load(folder) == loaded
  assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_it_tells_what_the_folder_holds(folder):
  loaded = manifest.load(str(folder))
  assert loaded.qualities == (10, 20)
  assert set(loaded.splits) == {"train", "test"}
  total = loaded.count("train") + loaded.count("test")
  assert total == sum(image.tiles for image in loaded.images) > 0
  assert [image.id for image in loaded.images] == [f"{number}.png" for number in range(5)]
  assert [(bad.id, bad.reason) for bad in loaded.skipped] == [
    ("broken.png", "cannot be read as an image: it has no known image format")
  ]
  for split, shards in loaded.splits.items():
    for shard in shards:
      assert (folder / shard.file).stat().st_size == shard.size_bytes
    paths = loaded.shard_paths(split)
    assert paths == tuple(str(folder / shard.file) for shard in shards if shard.count)


def test_a_split_that_is_not_there_is_named(folder):
  with pytest.raises(ValueError, match="has no split 'valid'; it has train, test"):
    manifest.load(folder).count("valid")


def test_a_folder_without_a_manifest_says_how_to_finish_it(folder):
  (folder / manifest.NAME).unlink()
  for place in (folder, folder / "none"):
    message = r"has no manifest\.json: .* run deblock-records --records=.* again to finish it"
    with pytest.raises(FileNotFoundError, match=message):
      manifest.load(place)


def test_another_schema_version_is_refused(folder):
  _change(folder, schema_version=99)
  with pytest.raises(ValueError, match="has schema version 99, this program reads version 2"):
    manifest.load(folder)


def test_a_missing_shard_is_named(folder):
  (folder / manifest.load(folder).splits["train"][0].file).unlink()
  with pytest.raises(ValueError, match=r"deblock-train\.tfrecord-00000-of-\d+ is missing"):
    manifest.load(folder)


def test_a_truncated_shard_is_named_with_both_sizes(folder):
  entry = manifest.load(folder).splits["train"][0]
  with (folder / entry.file).open("ab") as file:
    file.truncate(7)
  message = f"truncated or replaced: it has 7 bytes, manifest.json says {entry.size_bytes}"
  with pytest.raises(ValueError, match=message):
    manifest.load(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 2}', "{not json"])
def test_a_file_that_is_no_manifest_is_named(folder, text):
  (folder / manifest.NAME).write_text(text)
  with pytest.raises(ValueError, match=r"manifest\.json (is not JSON|must be an object|has no)"):
    manifest.load(folder)
