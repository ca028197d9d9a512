"""docs/records.md describes the records as they are, and its examples read them."""

import pathlib
import re

import pytest

from deblock.records.layout import manifest, schema

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "records.md"


@pytest.fixture(scope="module")
def text():
  return PAGE.read_text(encoding="utf-8").partition("\n## The format\n")[2]


def test_the_table_has_every_feature_with_its_type_and_shape(text):
  rows = re.findall(r"^\| `([a-z/]+)` \| (bytes|int64)[^|]* \| ([^|]+) \|", text, re.MULTILINE)
  shapes = {0: "[N]", 1: "scalar", 3: "[3]"}
  assert sorted(rows) == sorted(
    (row.name, "int64" if row.dtype.name == "int64" else "bytes", shapes[row.length])
    for row in schema.FEATURES
  )


def test_the_page_names_the_version(text):
  assert f"`schema_version` in the manifest, {schema.VERSION} today" in text
  assert f"`{schema.VERSION}.0.0`" in text


def test_the_examples_read_records(text, records, capsys):
  plain, tfds = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
  exec(plain.replace("DIR", records.records), {})
  assert capsys.readouterr().out.splitlines() == 2 * ["(48, 48, 3) (48, 48, 3) 10"]
  exec(tfds.replace("DIR", records.records), {})
  lines = capsys.readouterr().out.splitlines()
  assert len(lines) == 2
  ids = {image.id for image in manifest.load(records.records).images if image.split == "train"}
  for line in lines:
    key, described = line.split(" ", 1)
    assert key.rsplit("/", 2)[0] in ids
    assert described == "(48, 48, 3) [10 20]"
