"""A few hundred of the damaged files of `make fuzz`, which has 20,000 and watches for more."""

import collections
import contextlib

import pytest

from deblock.records.jpeg import coefficients
from deblock.records.photos import formats, original, reading, saving

_COUNT, _GENERATED = 300, 120


def test_a_number_makes_the_same_mutant_again(mutants):
  some = [mutants.mutant(number) for number in range(20)]
  assert some == [mutants.mutant(number) for number in range(20)]
  assert len({data for _, data in some}) > 15
  assert mutants.mutant(0, seed=1) != some[0]


def test_pieces_of_a_jpeg_are_all_of_it(mutants):
  for name, data in mutants.seeds().items():
    original.decode(data, name)
    if name.endswith(".jpg"):
      pieces = mutants.segments(data)
      assert b"".join(pieces) == data and pieces[-1].startswith(b"\xff\xd9") and len(pieces) > 5


def test_a_damaged_file_is_read_or_refused_and_nothing_else_happens(mutants):
  refused, names = 0, list(formats.FORMATS)
  for number in range(_COUNT):
    what, data = mutants.mutant(number)
    try:
      reading.decode_picture(data, "a", 2**22)
    except reading.ImageError as error:
      assert error.reason, what
    try:
      found = original.decode(data, "a", 2**22)
    except reading.ImageError:
      refused += 1
      continue
    assert found.samples.size, what
    if found.header is not None:
      with contextlib.suppress(coefficients.CoefficientsError):
        assert coefficients.read(data).planes, what
    # Whatever was read can be written, at least without what it said of itself.
    saving.encode(found.samples, found.alpha, found.metadata, names[number % len(names)])
  # Neither are all sound, nor all of them so damaged that nothing was tried.
  assert 0.4 * _COUNT < refused < 0.9 * _COUNT


def test_files_that_follow_their_format_are_read_or_refused_and_nothing_else_happens(grammar):
  read, refused = collections.Counter(), collections.Counter()
  for number in range(_GENERATED):
    what, data = grammar.generated(number)
    assert (what, data) == grammar.generated(number)
    try:
      assert original.decode(data, "a", 2**22).samples.size
      read[what] += 1
    except reading.ImageError as error:
      assert error.reason, what
      refused[what] += 1
  for what in ("jpeg by its rules", "png by its rules", "tiff by its rules"):
    assert read[what] > 0.15 * refused[what] and refused[what] > 0.15 * read[what], what


@pytest.mark.parametrize("name", ["metadata.jpg", "screenshot.png", "raw.tif"])
def test_metadata_that_cannot_be_written_are_left_out_and_noted(mutants, monkeypatch, name):
  found = original.decode(mutants.seeds()[name], name)
  assert found.metadata.exif

  def refuse(samples, alpha, tags, dpi):
    if len(tags):
      raise RuntimeError("Error setting from dictionary")
    return b"a file"

  monkeypatch.setattr(saving.tiff_file, "encode", refuse)
  data, notes = saving.encode(found.samples, None, found.metadata, "tiff")
  assert data == b"a file"
  assert notes == ("metadata left out, which cannot be written (Error setting from dictionary)",)
