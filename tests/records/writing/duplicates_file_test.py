import pathlib

import pytest

from deblock.records.layout import manifest
from deblock.records.planning import duplicates, plan
from deblock.records.sources import source_image
from deblock.records.writing import duplicates_file, shard

FOUND = duplicates.Findings(
  copies=(duplicates.Copy("b", "a"), duplicates.Copy("e", "a", 3)),
  near=(duplicates.Near("d", "c", 2),),
  moved=("d",),
  moved_to_val=("f",),
)


@pytest.fixture
def draft():
  images = tuple(source_image.SourceImage.alone(name, name) for name in "abcd")
  return plan.make_plan(images, dict.fromkeys("abcd", "train"), {"train": 2, "test": 1})


@pytest.fixture
def config(tmp_path, small_config):
  (tmp_path / shard.SIDECARS).mkdir()
  return small_config("images", tmp_path)


def test_what_was_found_is_found_again(config, draft):
  duplicates_file.save(config.records, draft, config, FOUND)
  assert duplicates_file.load(config.records, draft, config) == FOUND


def test_of_other_images_settings_or_damage_nothing_is_taken_over(config, draft, small_config):
  nothing = duplicates.Findings((), (), ())
  assert duplicates_file.load(config.records, draft, config) == nothing
  duplicates_file.save(config.records, draft, config, FOUND)
  other = plan.revise(draft, ["a"], ())
  assert duplicates_file.load(config.records, other, config) == nothing
  changed = small_config("images", config.records, seed=1)
  assert duplicates_file.load(config.records, draft, changed) == nothing
  path = pathlib.Path(config.records) / shard.SIDECARS / duplicates_file.NAME
  path.write_text(path.read_text()[:-20])
  assert duplicates_file.load(config.records, draft, config) == nothing


def test_two_passes_are_joined():
  later = duplicates.Findings((duplicates.Copy("a", "0"),), (), ("c",))
  together = duplicates_file.union(FOUND, later)
  assert [copy.id for copy in together.copies] == ["a", "b", "e"]
  assert together.near == FOUND.near
  assert (together.moved, together.moved_to_val) == (("c", "d"), ("f",))


def test_hashes_are_read_and_may_be_missing():
  def entry(name, split, digest, bits):
    return manifest.ImageEntry(name, name, name, split, 1, 48, 48, "PNG", digest, bits)

  images = [entry("a", "train", "1", "00000000000000ff"), entry("d", "test", "3", "")]
  assert duplicates_file.imprints(images) == [
    duplicates.Imprint("a", "a", "train", "1", 0xFF),
    duplicates.Imprint("d", "d", "test", "3", None),
  ]
