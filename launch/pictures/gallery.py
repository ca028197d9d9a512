"""Writes restored JPEGs as pictures: side by side, in a report, and on a contact sheet."""

from collections.abc import Callable, Sequence
import itertools
import pathlib

import numpy as np
from PIL import Image

from deblock.launch.evaluation import figures, protocol
from deblock.launch.pictures import grid, report, sheets, side_by_side
from deblock.records.layout import own_files


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
    self._paths: set[pathlib.Path] = set()
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
    """Writes a side-by-side picture of each trial of one image and returns their paths.

    Pictures lie in the folders of their images.

    Raises:
      ValueError: if an image's identity leads out of the folder, or a picture has the name of
        another one.
      FileExistsError, OSError: as `save_picture`.
    """
    written = []
    several = len({trial.row.model for trial in trials}) > 1
    for trial in trials:
      row = trial.row
      by = f"-{row.model.replace('/', '_')}" if several else ""
      path = self._new_path(row.image, f"-q{row.quality}{by}.png")
      path.parent.mkdir(parents=True, exist_ok=True)
      save_picture(path, side_by_side.side_by_side(trial.clean, trial.jpeg, trial.restored, row))
      written.append(path)
    return written

  def _new_path(self, image, ending):
    inside = pathlib.PurePosixPath(f"{image}{ending}")
    if inside.is_absolute() or ".." in inside.parts:
      raise ValueError(f"image {image!r} leads out of the folder of the pictures.")
    path = self._folder / inside
    if path in self._paths:
      raise ValueError(f"two pictures would be {path}: compare these images or runs separately.")
    self._paths.add(path)
    return path

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
  """Writes a PNG file of pixels, uint8 [h, w, 3].

  Raises:
    FileExistsError: if a file is there that no program of deblock wrote.
    OSError: if it cannot be written.
  """
  with own_files.writing(path) as stream:
    Image.fromarray(pixels).save(stream, "PNG")


def save_text(path: pathlib.Path, text: str) -> int:
  """Writes a text file and returns its size in bytes.

  Raises:
    FileExistsError, OSError: as `save_picture`.
  """
  data = text.encode("utf-8", "backslashreplace")
  own_files.write_bytes(path, data)
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
