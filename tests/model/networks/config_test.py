import dataclasses

import pytest

from deblock.model.networks import config, registry


def test_the_defaults_name_a_network_and_every_field_says_what_it_means():
  assert config.ModelConfig().model in registry.names()
  assert all(field.metadata["help"] for field in dataclasses.fields(config.ModelConfig))


def test_a_negative_width_is_refused():
  with pytest.raises(ValueError, match=r"width must be at least 0, .*, got -1"):
    config.ModelConfig(width=-1)


def test_an_unknown_condition_is_refused():
  with pytest.raises(ValueError, match=r"must be one of none, quality, tables, .*'blind'"):
    config.ModelConfig(condition="blind")
