"""What became of each file of a run, as a table for people and a report for programs."""

from collections.abc import Mapping, Sequence
import json
import os
import pathlib
from typing import Any, NamedTuple

from deblock.records import harmless
from deblock.records.layout import own_files

SKIPPED, FAILED = "skipped", "failed"


class Outcome(NamedTuple):
  """What became of one file.

  Attributes:
    path: of the input.
    status: what was done with it, such as "restored"; SKIPPED or FAILED.
    pixels: with which that was done.
    detail: how it was done, or why not.
    target: of the result; "" if there is none.
    condition: what is known of the input's compression; "" unless it was worked on.
    notes: what could not be done or kept, a clause each.
    seconds: that it took.
    facts: for the report, besides; None for none.
  """

  path: str
  status: str
  pixels: int
  detail: str
  target: str = ""
  condition: str = ""
  notes: tuple[str, ...] = ()
  seconds: float = 0.0
  facts: Mapping[str, Any] | None = None


def table(outcomes: Sequence[Outcome], seconds: float, done: str) -> str:
  """Returns how many files are done, skipped and failed, and why each of these failed.

  Args:
    outcomes: of all files.
    seconds: that they took.
    done: status of those that are done, such as "restored".
  """
  width = max(len(done), len(SKIPPED))
  lines = [f"{'':<{width}}  files  megapixels"]
  for status in (done, SKIPPED, FAILED):
    chosen = [outcome for outcome in outcomes if outcome.status == status]
    megapixels = sum(outcome.pixels for outcome in chosen) / 1e6
    shown = f"{megapixels:>12.1f}" if status == done else ""
    lines.append(f"{status:<{width}}  {len(chosen):>5}{shown}")
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
    **(outcome.facts or {}),
  }
