"""What became of each file of a run, as a table for people and a report for programs."""

from collections.abc import Sequence
import json
import os
import pathlib
from typing import Any, NamedTuple

from deblock.records import harmless
from deblock.records.layout import own_files

RESTORED, SKIPPED, FAILED = "restored", "skipped", "failed"


class Outcome(NamedTuple):
  """What became of one file.

  Attributes:
    path: of the input.
    status: RESTORED, SKIPPED or FAILED.
    pixels: that were restored.
    detail: how it was restored, or why not.
    target: of the result; "" if there is none.
    condition: what is known of the input's compression; "" unless it was restored.
    notes: what could not be done or kept, a clause each.
    seconds: that it took.
    kept_close: share of the blocks that were kept close to the JPEG; None if it was not held to its
      coefficients.
    given_back: share of the JPEG's coefficients that compressing the result with its tables gives;
      None if that is not known, or no report was asked for.
  """

  path: str
  status: str
  pixels: int
  detail: str
  target: str = ""
  condition: str = ""
  notes: tuple[str, ...] = ()
  seconds: float = 0.0
  kept_close: float | None = None
  given_back: float | None = None


def table(outcomes: Sequence[Outcome], seconds: float) -> str:
  """Returns how many files were restored, skipped and failed, and why each of these failed."""
  lines = ["          files  megapixels"]
  for status in (RESTORED, SKIPPED, FAILED):
    chosen = [outcome for outcome in outcomes if outcome.status == status]
    megapixels = sum(outcome.pixels for outcome in chosen) / 1e6
    shown = f"{megapixels:>12.1f}" if status == RESTORED else ""
    lines.append(f"{status:<8}  {len(chosen):>5}{shown}")
  speed = sum(outcome.pixels for outcome in outcomes) / 1e6 / max(seconds, 1e-9)
  lines.append(f"{seconds:.1f} s, {speed:.2f} megapixels/s")
  lines += [
    harmless.printable(f"failed: {outcome.path}: {outcome.detail}")
    for outcome in outcomes
    if outcome.status == FAILED
  ]
  return "\n".join(lines)


def check_report(path: str) -> None:
  """Checks, before any work, that a report can be written.

  Raises:
    FileExistsError: if a file is there that no program of deblock wrote, such as a photograph.
    OSError: if the path is a folder's, or no file can be written beside it.
  """
  folder = pathlib.Path(path).parent
  if not folder.is_dir() or pathlib.Path(path).is_dir() or not os.access(folder, os.W_OK):
    raise OSError(f"report {path} cannot be written: name a file in a folder that can be.")
  own_files.check(path)


def write_report(path: str, outcomes: Sequence[Outcome]) -> None:
  """Writes a JSON file: a list with what became of each file, whole or not at all.

  Raises:
    OSError: if it cannot be written.
  """
  text = json.dumps([_entry(outcome) for outcome in outcomes], indent=1)
  try:
    own_files.write_text(path, text + "\n")
  except FileExistsError:
    raise
  except OSError as error:
    raise OSError(f"report {path} cannot be written: {error.strerror or error}.") from error


def _entry(outcome) -> dict[str, Any]:
  return {
    "input": harmless.utf8(outcome.path),
    "output": harmless.utf8(outcome.target),
    "status": outcome.status,
    "pixels": outcome.pixels,
    "condition": outcome.condition,
    "notes": list(outcome.notes),
    "error": outcome.detail if outcome.status == FAILED else "",
    "seconds": round(outcome.seconds, 3),
    "share_of_blocks_kept_close": outcome.kept_close,
    "share_of_coefficients_given_back": outcome.given_back,
  }
