import json
import time

import pytest

from deblock.records import json_text

DEEP = 100_000


@pytest.mark.parametrize(
  "values", [{}, [1, -2.5, "x", None, True], {"a": {"b": [[], {}, ["]]}}"]]}}, "\ud83d", 2**63]
)
def test_it_reads_what_json_writes(values):
  assert json_text.parse(json.dumps(values), "f.json") == values
  assert json_text.parse(json.dumps(values, indent=1).encode(), "f.json") == values


@pytest.mark.parametrize(
  ("text", "problem"),
  [
    ("[" * DEEP + "]" * DEEP, "cannot be used: it holds brackets nested deeper than 16"),
    ('{"a":' * 17 + "1" + "}" * 17, "nested deeper than 16"),
    ("[" * DEEP, "nested deeper than 16"),
    ("[[[", "is not JSON"),
    ("]]", "is not JSON"),
    ("", "is not JSON"),
    ("NaN", "a number that is not finite, NaN"),
    ('{"a": -Infinity}', "not finite, -Infinity"),
    ("[1e999]", "not finite, 1e999"),
    ("9" * 5000, "a number of 5000 digits"),
    (b"\xff\xfe[", "is not UTF-8 text: invalid start byte at byte 0"),
    (" " * 2000, r"is too large: 2000 bytes, at most 1000 are read"),
  ],
)
def test_it_names_what_no_file_of_ours_holds(text, problem):
  with pytest.raises(ValueError, match=rf"^f\.json .*{problem}.*\.$"):
    json_text.parse(text, "f.json", 1000 if isinstance(text, str) and text.isspace() else 10**6)


def test_depth_counts_brackets_outside_texts_only():
  assert json_text.parse("[" * 16 + "]" * 16, "f.json")
  text = json.dumps({"a": "[" * 50 + '\\"' * 50, "b": "]"})
  assert json_text.parse(text, "f.json") == json.loads(text)


@pytest.mark.parametrize(
  "text",
  ['"' + r"\"" * 500_000, '"' * 1_000_001, "[" * 10**6, "[]" * 500_000, '{"a":' * 200_000],
  ids=["escapes", "quotes", "openers", "pairs", "objects"],
)
def test_it_takes_linear_time(text):
  began = time.process_time()
  with pytest.raises(ValueError, match=r"^f\.json"):
    json_text.parse(text, "f.json", 10**7)
  assert time.process_time() - began < 5.0  # A quadratic search takes minutes.


def test_quoted_values_stay_on_one_short_line():
  said = json_text.quoted("a\n\x1b]0;title\x07\u202e" + "b" * 10_000)
  assert len(said) <= 80 and said.isprintable() and said.isascii()
