import dataclasses

import pytest

from deblock.records import option


def test_a_field_has_its_default_and_its_help_line():
  @dataclasses.dataclass(frozen=True)
  class Settings:
    quality: int = option.field(25, "of the JPEG")

  (field,) = dataclasses.fields(Settings)
  assert Settings().quality == 25
  assert (field.name, field.metadata["help"]) == ("quality", "of the JPEG")


def test_ranges_stand_for_the_numbers_in_them():
  items = ["3", " 5-8 ", "10-30:10", "-4", "7-7"]
  assert option.whole_numbers("list", items) == (3, 5, 6, 7, 8, 10, 20, 30, -4, 7)
  assert option.whole_numbers("list", []) == ()


@pytest.mark.parametrize("item", ["x", "1.5", "", "5-", "-", "1-2-3", "1-9:"])
def test_what_is_no_number_is_named(item):
  message = rf"list must be whole numbers or ranges such as 5-95 .*, got '{item}'\."
  with pytest.raises(ValueError, match=message):
    option.whole_numbers("list", ["10", item])


@pytest.mark.parametrize(
  ("value", "text"),
  [
    (tuple(range(10, 61)), "10-60"),
    ([10, 20, 30, 40], "10-40:10"),
    ([5, 7, 8, 9, 40], "5,7-9,40"),
    ([20, 10], "20,10"),
    ((), ""),
    (("a", "b"), "a,b"),
    (0.5, "0.5"),
  ],
)
def test_settings_are_written_as_short_as_they_can_be_read(value, text):
  assert option.text(value) == text
  if value and isinstance(value, (list, tuple)) and type(value[0]) is int:
    assert option.whole_numbers("list", text.split(",")) == tuple(value)


@pytest.mark.parametrize("item", ["9-5", "1-9:0"])
def test_a_range_that_holds_nothing_is_named(item):
  with pytest.raises(ValueError, match=f"list has the range '{item}', which holds no number"):
    option.whole_numbers("list", [item])
