import dataclasses
import json

import pytest

from deblock.pipeline import config as config_lib


def test_the_defaults_are_valid_and_every_field_says_what_it_means():
  config_lib.InputConfig()
  assert all(field.metadata["help"] for field in dataclasses.fields(config_lib.InputConfig))


def test_a_config_survives_json():
  config = config_lib.InputConfig(records="out", qualities=(10, 20), crop_size=40, batch_size=8)
  values = json.loads(json.dumps(dataclasses.asdict(config)))
  values["qualities"] = tuple(values["qualities"])
  assert config_lib.InputConfig(**values) == config


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"sampling": "tiles"}, "sampling must be crops or pairs, got 'tiles'"),
    ({"crop_size": 60}, "crop_size must be a multiple of 8, the JPEG block side, got 60"),
    ({"crop_size": 0}, "crop_size must be a multiple of 8, .*, got 0"),
    ({"crop_size": -8}, "crop_size must be a multiple of 8, .*, got -8"),
    ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ({"crops_per_tile": 0}, "crops_per_tile must be at least 1, got 0"),
    ({"mixed_tiles": -1}, "mixed_tiles must be at least 1, got -1"),
    ({"shuffled_tiles": 0}, "shuffled_tiles must be at least 1, got 0"),
    ({"qualities": (10, 0)}, r"each of qualities must be an integer in \[1, 100\], got 0"),
    ({"qualities": (101,)}, r"each of qualities must be an integer in \[1, 100\], got 101"),
    ({"held_out_pairs": 1.0}, r"held_out_pairs must be in \[0, 1\), got 1\.0"),
    ({"held_out_pairs": -0.1}, r"held_out_pairs must be in \[0, 1\), got -0\.1"),
    ({"on_bad_record": "ignore"}, "on_bad_record must be stop or skip, got 'ignore'"),
    ({"max_bad_share": 1.0}, r"max_bad_share must be in \[0, 1\), got 1\.0"),
    ({"max_bad_share": -0.1}, r"max_bad_share must be in \[0, 1\), got -0\.1"),
    ({"degradation": "none"}, "degradation must be stored or online, got 'none'"),
    ({"jpeg": "png"}, "jpeg must be one of libjpeg, jpegsim, got 'png'"),
    (
      {"online_qualities": "0-5"},
      r"each of online_qualities must be an integer in \[1, 100\], got 0",
    ),
    ({"data_service": "there"}, "data_service must be like grpc://host:port, got 'there'"),
    (
      {"data_service": "grpc://there:5050", "sampling": "pairs"},
      "data_service goes with sampling=crops, .*, got 'pairs' and 'grpc://there:5050'",
    ),
    (
      {"degradation": "online", "sampling": "pairs"},
      "degradation=online goes with sampling=crops and without --qualities, .*, got 'pairs'",
    ),
    (
      {"degradation": "online", "qualities": (10,)},
      r"degradation=online .*, got 'crops' and \[10\]",
    ),
    (
      {"crops_per_tile": 3, "mixed_tiles": 5, "batch_size": 4},
      r"must be a multiple of batch_size, got 3 \* 5 and 4",
    ),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    config_lib.InputConfig(**change)


def test_pairs_are_batched_without_regard_to_the_mixing_of_crops():
  settings = {"crops_per_tile": 3, "mixed_tiles": 5, "batch_size": 4}
  assert config_lib.InputConfig(sampling="pairs", **settings).batch_size == 4
