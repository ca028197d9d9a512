import dataclasses

import pytest

from deblock.pipeline import config as config_lib
from deblock.pipeline import damage_config

_SHARES = (
  "misaligned_share",
  "clean_share",
  "gray_share",
  "encoder_tables_share",
  "double_share",
  "resize_share",
  "channel_order_share",
  "tone_share",
)


def test_every_share_is_off_by_default():
  shares = {
    field.name: field.default
    for field in dataclasses.fields(damage_config.DamageConfig)
    if field.name.endswith("_share")
  }
  assert shares == dict.fromkeys(_SHARES, 0.0)
  config = damage_config.DamageConfig()
  assert not damage_config.is_any(config)
  assert damage_config.changes(config) == {}


@pytest.mark.parametrize("name", _SHARES)
def test_a_share_is_a_chance(name):
  for share in (0.0, 0.5, 1.0):
    changed = damage_config.DamageConfig(**{name: share})
    assert damage_config.is_any(changed) == (share > 0)
  for share in (-0.1, 1.1, float("nan")):
    with pytest.raises(ValueError, match=rf"{name} must be in \[0, 1\], got {share}"):
      damage_config.DamageConfig(**{name: share})


def test_another_subsampling_is_damage_and_a_grid_or_an_unused_range_is_none():
  assert damage_config.is_any(damage_config.DamageConfig(online_subsampling="420,444"))
  assert not damage_config.is_any(damage_config.DamageConfig(online_subsampling="2*420"))
  unused = {"crop_grid": 16, "double_qualities": "50", "tone_contrast": 0.5}
  assert not damage_config.is_any(damage_config.DamageConfig(**unused))


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"crop_grid": 24}, "crop_grid must be 8 or 16, got 24"),
    ({"online_subsampling": "411"}, "subsampling must be one of 420, 422, 444, got '411'"),
    ({"online_subsampling": ""}, "online_subsampling must be like 420"),
    (
      {"double_qualities": "0-9"},
      r"each of double_qualities must be an integer in \[1, 100\], got 0",
    ),
    ({"double_qualities": "0*10"}, "double_qualities must have a weight above 0"),
    ({"double_qualities": "some"}, "double_qualities must be whole numbers"),
    ({"double_qualities": "10+"}, "double_qualities must be like 5-95 or"),
    ({"double_largest_shift": 8}, r"double_largest_shift must be in \[0, 7\], .* got 8"),
    ({"double_largest_shift": -1}, r"double_largest_shift must be in \[0, 7\], .* got -1"),
    ({"resize_smallest": 0.0}, r"in \[0\.25, 4\.0\], got 0\.0 and 1\.0"),
    ({"resize_smallest": 1.5}, r"in this order .*, got 1\.5 and 1\.0"),
    ({"resize_largest": 9.0}, r"in \[0\.25, 4\.0\], got 0\.5 and 9\.0"),
    ({"tone_contrast": 1.0}, r"tone_contrast must be in \[0, 1\), got 1\.0"),
    ({"tone_contrast": -0.1}, r"tone_contrast must be in \[0, 1\), got -0\.1"),
    ({"tone_brightness": 1.5}, r"tone_brightness must be in \[0, 1\], got 1\.5"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  for made in (damage_config.DamageConfig, config_lib.InputConfig):
    with pytest.raises(ValueError, match=message):
      made(degradation="online", **change) if made is config_lib.InputConfig else made(**change)


@pytest.mark.parametrize(
  "change",
  [
    {"gray_share": 0.1},
    {"online_subsampling": "444"},
    {"encoder_tables_share": 0.1},
    {"double_share": 0.1},
    {"double_qualities": "10"},
    {"resize_share": 0.1},
    {"channel_order_share": 0.1},
    {"tone_share": 0.1},
  ],
)
def test_what_needs_a_new_jpeg_is_refused_of_stored_ones(change):
  ((name, value),) = change.items()
  config_lib.InputConfig(degradation="online", **change)
  message = f"{name}={value} goes with degradation=online only, .*, got 'stored'"
  with pytest.raises(ValueError, match=message):
    config_lib.InputConfig(**change)


@pytest.mark.parametrize(
  "change", [{"crop_grid": 16}, {"misaligned_share": 0.1}, {"clean_share": 0.1}]
)
def test_places_of_crops_apply_to_both_ways_of_damage_but_not_to_pairs(change):
  for degradation in ("online", "stored"):
    config_lib.InputConfig(degradation=degradation, **change)
  ((name, value),) = change.items()
  with pytest.raises(ValueError, match=f"{name}={value} goes with sampling=crops only, got 'pairs"):
    config_lib.InputConfig(sampling="pairs", **change)
