"""Figures as files and tables: CSV, JSON, text for a terminal, and Markdown."""

from collections.abc import Sequence
import csv
import dataclasses
import io
import json
import math
import pathlib

from deblock.launch.evaluation import bootstrap, figures, measures, published
from deblock.launch.evaluation import protocol as protocol_lib
from deblock.records import harmless
from deblock.records.layout import own_files

JSON_FILE = "evaluation.json"
CSV_FILE = "evaluation.csv"
MARKDOWN_FILE = "evaluation.md"
NOTHING = "-"
PERFECT = "perfect"
_MARKS = (
  "* one network for each quality. (JPEG ...): measured by a protocol whose JPEGs have that PSNR; "
  "compare the gains."
)
_MOST_NAMED = 5


def save(
  rows: Sequence[figures.Row],
  folder: str,
  protocol: protocol_lib.ProtocolConfig = protocol_lib.PUBLISHED,
) -> None:
  """Writes all rows, means last, as CSV, Markdown and then JSON."""
  output = pathlib.Path(folder)
  output.mkdir(parents=True, exist_ok=True)
  values = [dataclasses.asdict(row) for row in [*rows, *figures.means(rows)]]
  table = io.StringIO()
  writer = csv.DictWriter(table, fieldnames=list(values[0]))
  writer.writeheader()
  for row in values:
    writer.writerow({k: harmless.csv_cell(v) if isinstance(v, str) else v for k, v in row.items()})
  own_files.write_text(output / CSV_FILE, table.getvalue())
  own_files.write_text(output / MARKDOWN_FILE, markdown(rows, protocol))
  # Infinity, the PSNR of equal images, has no JSON spelling: it becomes null.
  finite = [{name: _json_value(value) for name, value in row.items()} for row in values]
  own_files.write_text(output / JSON_FILE, json.dumps(finite, indent=1, allow_nan=False) + "\n")


def text(rows: Sequence[figures.Row]) -> str:
  """Returns the means as text for a terminal; with one method, each image's row above them.

  Lines below the table name the images whose JPEG or restored image equals the original.
  """
  means = figures.means(rows)
  several = len({row.model for row in rows}) > 1
  if several:
    # The methods of one quality stand below each other, to be compared.
    shown = sorted(means, key=lambda row: row.quality)
    label, titles = "model", [row.model for row in shown]
  else:
    shown = [*rows, *means]
    label, titles = "image", [row.image for row in shown]
  header = (label, "quality", *_figure_titles(rows), "seconds", "95 % of the mean gain")
  cells = [
    (
      harmless.printable(title),
      row.quality,
      *_figure_cells(row, units=True),
      f"{row.seconds:.3f}",
      interval(row),
    )
    for title, row in zip(titles, shown, strict=True)
  ]
  lines = [_table("plain", header, cells, "l" + (len(header) - 2) * "r" + "l"), *perfect(rows)]
  return "\n".join(lines)


def perfect(rows: Sequence[figures.Row]) -> list[str]:
  """Returns a line for each quality at which images are perfect, JPEG or restored."""
  lines = []
  for quality in sorted({row.quality for row in rows}):
    of_quality = [row for row in rows if row.quality == quality]
    found = list(dict.fromkeys(row.image for row in of_quality if row.perfect))
    if found:
      images = len({row.image for row in of_quality})
      named = ", ".join(harmless.printable(image) for image in found[:_MOST_NAMED])
      more = ", ..." if len(found) > _MOST_NAMED else ""
      lines.append(
        f"quality {quality}: {len(found)} of {images} images equal the original, as JPEG or "
        f"restored, and the means in dB leave them out: {named}{more}"
      )
  return lines


def _figure_titles(rows):
  """Returns the columns of the metrics that were measured; the gain is behind the PSNR."""
  titles = []
  for name in _measured_names(rows):
    title = measures.MEASURES[name].title
    titles += [f"{title} of JPEG", title, *(["gain"] if name == "psnr" else [])]
  return titles


def _figure_cells(row, units=False):
  """Returns the cells below `_figure_titles`."""
  cells = []
  for name in _measured_names([row]):
    for field in (f"{name}_jpeg", name):
      cells.append(figure(getattr(row, field), measures.MEASURES[name], units))
    if name == "psnr":
      cells.append(gain(row))
  return cells


def figure(value: float, measure: measures.Measure, unit: bool = False) -> str:
  """Returns a figure as text; infinite ones are those of equal images."""
  if math.isinf(value):
    return PERFECT
  return f"{value:.{measure.decimals}f}" + (f" {measure.unit}" if unit and measure.unit else "")


def gain(row: figures.Row) -> str:
  """Returns a gain as text; where one of the two images is perfect, it has no number."""
  if math.isfinite(row.gain):
    return f"{row.gain:+.3f}"
  return PERFECT if row.gain > 0.0 else "worse"


def _measured_names(rows):
  return [
    name
    for name in measures.MEASURES
    if all(
      getattr(row, name) is not None and getattr(row, f"{name}_jpeg") is not None for row in rows
    )
  ]


def interval(row: figures.Row) -> str:
  """Returns the interval of a mean gain as "+1.234 to +1.345"; "" if it is unknown."""
  if row.gain_low is None or row.gain_high is None:
    return ""
  return f"{row.gain_low:+.3f} to {row.gain_high:+.3f}"


def markdown(
  rows: Sequence[figures.Row], protocol: protocol_lib.ProtocolConfig = protocol_lib.PUBLISHED
) -> str:
  """Returns the means as a Markdown document, published figures beside them.

  They share a table with ours if images and protocol are the same. If not, a heading says that they
  were measured on other images.
  """
  means = sorted(figures.means(rows), key=lambda row: row.quality)
  images = len({row.image for row in rows})
  found = published.matching_test_set(means, images, protocol)
  parts = [
    "# Evaluation",
    f"{images} {'image' if images == 1 else 'images'}; {protocol_lib.describe(protocol)}. Figures "
    "are means over the images; a mean in decibels is the mean of each image's decibels. Gains are "
    f"over the JPEG, with the {100 * bootstrap.CONFIDENCE:.0f} % bootstrap interval of their mean "
    f"({bootstrap.RESAMPLES:,} resamples of the images).",
    _measured(means),
    *(harmless.markdown(line) for line in perfect(rows)),
  ]
  kind = published.kind_of(protocol)
  if found is not None:
    parts += [
      f"## Beside published figures: {found.test_set}",
      f"These images are {found.test_set}: their number and their JPEGs' PSNR and SSIM agree. PSNR "
      "in dB, and SSIM where it is printed. Rows marked “published” were not measured here: "
      f"{published.SOURCE}. {_MARKS}",
      _beside(means, found),
    ]
  others = [
    row
    for row in published.ROWS
    if row.kind == kind and (found is None or row.test_set != found.test_set)
  ]
  if others:
    parts += [
      "## Published figures on other images",
      "Measured on other images: do not compare with the figures above. PSNR in dB, "
      f"{published.SOURCE}. {_MARKS}",
      _published(others),
    ]
  if protocol.gray and protocol.double_quality:
    parts += ["## Published figures of double JPEGs, on other images", _published_double()]
  return "\n\n".join(parts) + "\n"


def _measured(means):
  titles = _figure_titles(means)
  header = ("quality", "model", *titles[:3], "95 % interval", *titles[3:], "seconds an image")
  cells = []
  for row in means:
    shown = _figure_cells(row)
    name, between = harmless.markdown(row.model), interval(row) or NOTHING
    cells.append((row.quality, name, *shown[:3], between, *shown[3:], f"{row.seconds:.2f}"))
  return _table("pipe", header, cells, "rl" + (len(header) - 2) * "r")


def _beside(means, reference):
  """Returns a table of the figures measured here, and below them the published ones."""
  qualities = sorted({row.quality for row in means} & set(published.QUALITIES))
  cells = []
  for model in dict.fromkeys(row.model for row in means):
    at = {row.quality: row for row in means if row.model == model}
    measured = (_psnr_and_ssim(at[quality]) for quality in qualities)
    cells.append((harmless.markdown(model), "measured here", *measured))
  for row in published.ROWS:
    if (row.test_set, row.kind) == (reference.test_set, reference.kind):
      printed = (_printed(row, quality) for quality in qualities)
      cells.append((row.network, f"published: {row.paper}", *printed))
  header = ("network", "source", *(f"q{quality}" for quality in qualities))
  return _table("pipe", header, cells, "ll" + len(qualities) * "r")


def _published(rows):
  cells = [
    (
      row.network,
      row.paper,
      f"{row.test_set}, {'gray' if row.kind == published.GRAY else 'colour'}",
      *(_printed(row, quality) for quality in published.QUALITIES),
    )
    for row in rows
  ]
  header = ("network", "published", "test set", *(f"q{q}" for q in published.QUALITIES))
  return _table("pipe", header, cells, "lll" + len(published.QUALITIES) * "r")


def _published_double():
  cells = [
    (network, "Jiang 2021", "LIVE1, gray, 10 then 50, by (4, 4)", f"{psnr:.2f}")
    for network, psnr in published.DOUBLE_JPEG
  ]
  header = ("network", "published", "test set, qualities, shift", "PSNR")
  return _table("pipe", header, cells, "lllr")


def _table(style, header, cells, align):
  """Returns an aligned table; `align` has a letter of l, c, r for each column."""
  # Not in the base installation, whose demo draws the report page.
  import tabulate

  sides = [{"l": "left", "c": "center", "r": "right"}[letter] for letter in align]
  return tabulate.tabulate(cells, header, style, colalign=sides, disable_numparse=True)


def _printed(row, quality):
  index = published.QUALITIES.index(quality)
  if row.psnr[index] is None:
    return NOTHING
  ssim = f" / {row.ssim[index]:.3f}" if row.ssim else ""
  own = f" (JPEG {row.own_jpeg[index]:.2f})" if row.own_jpeg else ""
  return f"{row.psnr[index]:.2f}{ssim}{own}"


def _psnr_and_ssim(row):
  ssim = "" if row.ssim is None else f" / {row.ssim:.4f}"
  return f"{row.psnr:.2f}{ssim}"


def _json_value(value):
  return None if isinstance(value, float) and not math.isfinite(value) else value
