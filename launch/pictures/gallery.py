"""Writes restored JPEGs as pictures: side by side, in a report, and on a contact sheet."""

from collections.abc import Callable, Sequence
import itertools
import pathlib

import numpy as np
from PIL import Image

from deblock.launch.evaluation import figures, protocol
from deblock.launch.pictures import grid, report, sheets, side_by_side
from deblock.records.layout import files
from deblock.records.photos import results


class Gallery:
  """Collects the trials of image after image, and writes their pictures to a folder.

  Args:
    folder: to write to.
    report_images: how many images the report and the contact sheet show.
  """

  def __init__(self, folder: pathlib.Path, report_images: int):
    self._folder = folder
    self._most = report_images
    self._rows: list[figures.Row] = []
    self._cards: list[report.Card] = []
    self._details: list[list[grid.Cell]] = []

  def add(self, trials: Sequence[figures.Trial]) -> None:
    """Adds the trials of one image, sorted by quality."""
    self._rows += [trial.row for trial in trials]
    if len(self._cards) < self._most:
      self._cards.append(report.card(trials))
      for _, group in itertools.groupby(trials, lambda trial: trial.row.quality):
        self._details.append(sheets.details(list(group)))

  def draw(self, trials: Sequence[figures.Trial]) -> list[pathlib.Path]:
    """Writes a side-by-side picture of each trial of one image and returns their paths."""
    written = []
    several = len({trial.row.model for trial in trials}) > 1
    for trial in trials:
      row = trial.row
      by = f"-{row.model}" if several else ""
      name = f"{row.image}-q{row.quality}{by}".replace("/", "_")
      path = self._folder / f"{name}.png"
      save_picture(path, side_by_side.side_by_side(trial.clean, trial.jpeg, trial.restored, row))
      written.append(path)
    return written

  def finish(self, settings: protocol.ProtocolConfig) -> list[str]:
    """Writes report and contact sheet, and returns a line for each, its path and size."""
    path = self._folder / report.FILE
    content = report.page(self._rows, self._cards, protocol.describe(settings))
    lines = [f"report: {path} ({report.size_text(save_text(path, content))})"]
    if self._details:
      path = self._folder / sheets.FILE
      save_picture(path, sheets.paper(self._details))
      lines.append(f"contact sheet: {path}")
    return lines


def save_picture(path: pathlib.Path, pixels: np.ndarray) -> None:
  """Writes a PNG file of pixels, uint8 [h, w, 3]."""
  with files.replacing(path) as temporary:
    Image.fromarray(pixels).save(temporary, "PNG")
  results.mark(path)


def save_text(path: pathlib.Path, text: str) -> int:
  """Writes a text file and returns its size in bytes."""
  data = text.encode("utf-8")
  files.write_bytes(path, data)
  return len(data)


def all_trials(
  methods, image: str, clean: np.ndarray, qualities: Sequence[int], settings, clock: Callable
) -> list[figures.Trial]:
  """Returns the trials of one image at each quality by each method; see `figures.trials`."""
  return [
    trial
    for quality in qualities
    for trial in figures.trials(methods, image, clean, quality, settings, clock)
  ]
