"""A field's default and help line."""

import dataclasses

from deblock.records import option


def test_a_field_has_its_default_and_its_help_line():
  @dataclasses.dataclass(frozen=True)
  class Settings:
    quality: int = option.field(25, "of the JPEG")

  (field,) = dataclasses.fields(Settings)
  assert Settings().quality == 25
  assert (field.name, field.metadata["help"]) == ("quality", "of the JPEG")
