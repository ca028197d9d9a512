import dataclasses
import json
import typing

import pytest

from deblock.records.planning import config as config_lib


def test_every_field_says_what_it_means_and_has_a_type_for_a_flag():
  allowed = (str, int, float, bool, tuple[int, ...], tuple[str, ...])
  for field in dataclasses.fields(config_lib.RecordsConfig):
    assert field.metadata["help"].endswith(".")
    assert field.type in allowed
    assert typing.get_type_hints(config_lib.RecordsConfig)[field.name] == field.type


def test_the_defaults_are_valid_and_mean_the_packaged_images():
  config = config_lib.RecordsConfig(records="out")
  assert config.settings["source"] == "packaged"
  assert config.qualities == (25,)


def test_settings_survive_json_and_leave_out_what_changes_no_byte():
  settings = config_lib.RecordsConfig(records="out", qualities=(10, 20)).settings
  assert json.loads(json.dumps(settings)) == settings
  other = config_lib.RecordsConfig(
    records="b", qualities=(10, 20), workers=3, max_bad_fraction=0.1, overwrite=True
  )
  assert other.settings == settings


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"records": ""}, "records must name the folder to write to, got ''"),
    ({"images": "a", "source": "kodak"}, "images and source exclude each other, got 'a'"),
    ({"source": "coco"}, "source must be one of graphics, kodak, packaged, tfds:NAME, got 'coco'"),
    (
      {"source": "tfds:"},
      "source must be one of graphics, kodak, packaged, tfds:NAME, got 'tfds:'",
    ),
    ({"qualities": ()}, "qualities must hold at least one"),
    ({"qualities": (10, 0)}, r"each of qualities must be an integer in \[1, 100\], got 0\."),
    ({"qualities": (10, 10)}, r"qualities must differ from each other, got \[10, 10\]"),
    ({"tile_size": 60}, "tile_size must be a multiple of 16, .*, got 60"),
    ({"shards": "some"}, "shards must be \"auto\" or a positive number, got 'some'"),
    ({"append": True, "overwrite": True}, "append and overwrite exclude each other"),
    ({"val_share": 0.9}, "test_share and val_share must be 1 or less together, got 0.2 and 0.9"),
    ({"test_share": 2.0}, r"test_share must be in \[0, 1\], got 2.0"),
    ({"subsampling": "411"}, "subsampling must be one of 420, 422, 444, got '411'"),
    ({"workers": -1}, "workers must be 0 or more, got -1"),
    ({"stride": -16}, "stride must be 0 or more, got -16"),
    ({"tiles_per_image": -1}, "tiles_per_image must be 0 or more, got -1"),
    ({"min_detail": float("nan")}, "min_detail must be 0 or more, got nan"),
    ({"gray_share": -0.1}, r"gray_share must be in \[0, 1\], got -0.1"),
    ({"jpeg_downscale": 0.5}, r"jpeg_downscale must be in \[1, 16\], got 0.5"),
    ({"shard_mib": 0}, "shard_mib must be at least 1 MiB, got 0"),
    ({"clean_encoding": "bmp"}, "clean_encoding must be one of raw, png, got 'bmp'"),
    ({"near_duplicate_bits": 40}, r"near_duplicate_bits must be in \[-1, 16\], got 40"),
    ({"qualities_per_tile": 2}, r"qualities_per_tile must be in \[0, 1\], .*, got 2"),
    ({"max_bad_fraction": 1.5}, r"max_bad_fraction must be in \[0, 1\], got 1.5"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    config_lib.RecordsConfig(**{"records": "out", **change})
