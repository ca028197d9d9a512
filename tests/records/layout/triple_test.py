import dataclasses

import numpy as np
import pytest

from deblock.records.layout import triple

_CLEAN = np.zeros((16, 24, 3), np.uint8)
_GOOD = {"clean": _CLEAN, "compressed": (b"a", b"b"), "qualities": (10, 20), "key": "image/0/0"}


def test_a_triple_keeps_what_it_is_given():
  value = triple.PatchTriple(**_GOOD)
  assert value.clean is _CLEAN
  assert (value.compressed, value.qualities, value.key) == ((b"a", b"b"), (10, 20), "image/0/0")


def test_a_triple_cannot_be_changed():
  with pytest.raises(dataclasses.FrozenInstanceError):
    triple.PatchTriple(**_GOOD).key = "other"


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"clean": _CLEAN.astype(np.float32)}, "uint8 array, got float32"),
    ({"clean": [1, 2]}, "uint8 array, got list"),
    ({"clean": _CLEAN[..., 0]}, r"shape \[H, W, 3\].*got \[16, 24\]"),
    ({"clean": _CLEAN[:0]}, r"and pixels, got \[0, 24, 3\]"),
    ({"compressed": [b"a", b"b"]}, "must be tuples"),
    ({"compressed": (b"a",)}, "same length, at least 1, got 1 and 2"),
    ({"compressed": (), "qualities": ()}, "same length, at least 1, got 0 and 0"),
    ({"compressed": (b"a", b"")}, "non-empty bytes"),
    ({"compressed": ("a", "b")}, "non-empty bytes"),
    ({"qualities": (10, 101)}, r"each of qualities must be an integer in \[1, 100\], got 101"),
    ({"key": ""}, "key must be a non-empty string, got ''"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    triple.PatchTriple(**{**_GOOD, **change})
