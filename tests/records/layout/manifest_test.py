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


@pytest.mark.parametrize(
  ("key", "value", "message"),
  [
    ("file", "../stolen", r'splits\.train\[0\]\.file must be a file\'s name .*, got "\.\./stolen"'),
    ("file", "/etc/passwd", r'file must be a file\'s name without folders, got "/etc/passwd"'),
    ("count", 10**12, r"count must be a whole number from 0 to 16777216, got 1000000000000"),
    ("count", -5, r"count must be .*, got -5"),
    ("count", "7", r'count must be .*, got "7"'),
    ("count", 2**24, r"bytes cannot hold the 16777216 records"),
    ("size_bytes", -1, r"size_bytes must be a whole number from 0"),
  ],
)
@pytest.mark.parametrize("damaged", [False, True])
def test_a_shard_lies_in_its_folder_and_holds_what_it_can(folder, key, value, message, damaged):
  splits = json.loads((folder / manifest.NAME).read_text())["splits"]
  splits["train"][0][key] = value
  _change(folder, splits=splits)
  with pytest.raises(ValueError, match=message):
    manifest.load(folder, damaged=damaged)


def test_a_shard_that_is_listed_twice_is_named(folder):
  splits = json.loads((folder / manifest.NAME).read_text())["splits"]
  splits["test"] = splits["train"]
  _change(folder, splits=splits)
  with pytest.raises(ValueError, match=r'the shard "deblock-train.*" is listed twice'):
    manifest.load(folder)


@pytest.mark.parametrize(
  ("name", "value"),
  [("qualities", []), ("qualities", [0]), ("clean_encoding", "exe"), ("tile_size", -1)],
)
def test_settings_that_no_records_have_are_named(folder, name, value):
  settings = {**json.loads((folder / manifest.NAME).read_text())["settings"], name: value}
  _change(folder, settings=settings)
  with pytest.raises(ValueError, match=rf"settings\.{name}.* must be "):
    manifest.load(folder)
