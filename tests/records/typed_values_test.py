from collections.abc import Mapping
import dataclasses
from typing import Annotated, Any, NamedTuple

import pytest

from deblock.records import typed_values


class _Shard(NamedTuple):
  file: typed_values.BaseName
  count: typed_values.Count
  note: str | None = None


@dataclasses.dataclass(frozen=True)
class _Folder:
  shards: Mapping[str, tuple[_Shard, ...]]
  share: Annotated[float, typed_values.within(0.0, 1.0)] = 0.5
  kind: Annotated[str, typed_values.one_of("raw", "png")] = "raw"
  rest: Any = None

  def __post_init__(self):
    if self.share == 0.25:
      raise ValueError("share must not be a quarter, got 0.25.")


GOOD: dict[str, Any] = {
  "shards": {"train": [{"file": "a", "count": 3}, {"file": "b", "count": 0, "note": "x"}]},
  "share": 1,
}


def test_values_become_objects():
  assert typed_values.build(_Folder, GOOD, "f.json") == _Folder(
    shards={"train": (_Shard("a", 3), _Shard("b", 0, "x"))}, share=1.0
  )


def _with(**shard):
  return {"shards": {"train": [{"file": "a", "count": 3}, {"file": "b", "count": 0, **shard}]}}


@pytest.mark.parametrize(
  ("values", "message"),
  [
    (_with(count=-5), r"shards\.train\[1\]\.count must be a whole number from 0 to \d+, got -5\."),
    (_with(count="7"), r'count must be a whole number from 0 to \d+, got "7"'),
    (_with(count=1.0), r"got 1\.0"),
    (_with(count=True), r"got true"),
    (_with(count=2**70), r"got 1180591620717411303424"),
    (_with(note=3), r"note must be a text, got 3"),
    (_with(size=3), r'shards\.train\[1\] has the unknown key "size"'),
    ({"shards": {"train": [{"file": "a"}]}}, r"shards\.train\[0\] has no count"),
    ({"shards": {"a b": 3}}, r'shards\."a b" must be a list, got 3'),
    ({"shards": []}, r"shards must be an object, got \[\]"),
    ([], r"^f\.json must be an object, got \[\]"),
    ({"shards": {}, "share": 2}, r"share must be a number from 0\.0 to 1\.0, got 2"),
    ({"shards": {}, "share": float("nan")}, r"share must be a number from 0\.0 to 1\.0, got NaN"),
    ({"shards": {}, "kind": "exe"}, r'kind must be one of raw, png, got "exe"'),
    ({"shards": {}, "share": 0.25}, r"^f\.json cannot be used: share must not be a quarter"),
  ],
)
def test_a_wrong_value_is_named_with_its_place(values, message):
  with pytest.raises(ValueError, match=message) as raised:
    typed_values.build(_Folder, values, "f.json")
  assert str(raised.value).startswith("f.json")


@pytest.mark.parametrize(
  "name", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "C:x", "a\nb", "a\0b", "x" * 256]
)
def test_a_name_that_leaves_its_folder_is_no_base_name(name):
  assert not typed_values.is_base_name(name)
  with pytest.raises(ValueError, match="file must be a file's name without folders"):
    typed_values.build(_Shard, {"file": name, "count": 1}, "f.json")


def test_an_annotation_that_cannot_be_read_is_the_callers_mistake():
  with pytest.raises(TypeError, match="none of the annotations"):
    typed_values.build(set[int], [], "f.json")
