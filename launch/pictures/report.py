"""A comparison as one HTML file that works offline: pictures, figures, style and script."""

import base64
from collections.abc import Sequence
import functools
import io
import json
import math
from typing import NamedTuple

import jinja2
import markupsafe
from PIL import Image

from deblock.launch.evaluation import bootstrap, figures, tables
from deblock.launch.pictures import grid, side_by_side, slider
from deblock.records import harmless

FILE = "report.html"
FOLDER = slider.FOLDER
TITLE = "Restored JPEGs, compared"
_WEBP_SIDE = 16383


class Column(NamedTuple):
  """A column of the table of all figures.

  Attributes:
    title: its name on the page.
    field: of `figures.Row`.
    format: of a value, as Python's % takes it.
    kind: "text" or "number", by which it sorts.
  """

  title: str
  field: str
  format: str = "%s"
  kind: str = "number"


_COLUMNS = (
  Column("image", "image", kind="text"),
  Column("quality", "quality", "%d"),
  Column("restored by", "model", kind="text"),
  Column("JPEG PSNR", "psnr_jpeg", "%.3f"),
  Column("PSNR", "psnr", "%.3f"),
  Column("gain", "gain", "%+.3f"),
  Column("JPEG SSIM", "ssim_jpeg", "%.4f"),
  Column("SSIM", "ssim", "%.4f"),
  Column("JPEG PSNR-B", "psnr_b_jpeg", "%.3f"),
  Column("PSNR-B", "psnr_b", "%.3f"),
  Column("seconds", "seconds", "%.2f"),
)


class Card(NamedTuple):
  """One image on the page, at each quality and by each method.

  Attributes:
    image: its identity.
    shown: the data of the page's script: texts, figures, and pictures as data URIs.
  """

  image: str
  shown: dict


def card(trials: Sequence[figures.Trial]) -> Card:
  """Returns an image's card: its JPEGs byte by byte, the other pictures lossless.

  Args:
    trials: of one image, at least one; every method at every quality.
  """
  first = trials[0]
  height, width = first.clean.shape[:2]
  shown: dict = {
    "name": harmless.printable(first.row.image),
    "width": width,
    "height": height,
    "detail": side_by_side.most_changed(first.jpeg, first.restored),
    "qualities": list(dict.fromkeys(str(trial.row.quality) for trial in trials)),
    "models": list(dict.fromkeys(harmless.printable(trial.row.model) for trial in trials)),
    "clean": _without_loss(first.clean),
    "jpegs": {},
    "restored": {},
  }
  for row, _, data, _, restored in trials:
    quality = str(row.quality)
    shown["jpegs"][quality] = {
      "picture": _uri(data, "jpeg"),
      "size": size_text(len(data)),
      "figures": _figures(row.psnr_jpeg, row.ssim_jpeg, row.psnr_b_jpeg),
    }
    shown["restored"].setdefault(quality, {})[harmless.printable(row.model)] = {
      "picture": _without_loss(restored),
      "figures": _figures(row.psnr, row.ssim, row.psnr_b),
      "gain": f"{row.gain:+.2f} dB",
      "tone": _tone(row),
    }
  return Card(first.row.image, shown)


def page(
  rows: Sequence[figures.Row], cards: Sequence[Card], protocol: str, plot: bool = True
) -> str:
  """Returns the HTML document.

  Args:
    rows: figures of every image at every quality by every method, at least one.
    cards: the images that are shown.
    protocol: what was compressed and measured, as `protocol.describe` says it.
    plot: whether to draw the mean gains, which needs matplotlib.
  """
  means = figures.means(rows)
  models = list(dict.fromkeys(row.model for row in rows))
  qualities = sorted({row.quality for row in rows})
  images_of = {frozenset(row.image for row in rows if row.quality == q) for q in qualities}
  data = _json({"cards": [card.shown for card in cards]})
  several = len(models) > 1
  known = any(row.gain_low is not None for row in means)
  return _template().render(
    title=TITLE,
    images=len({row.image for row in rows}),
    qualities=qualities,
    models=models,
    several=several,
    protocol=f"{protocol[0].upper()}{protocol[1:]}",
    joined=len(images_of) == 1,
    **(_plotted(means, joined=len(images_of) == 1) if plot else {"plot": ""}),
    confidence=f"{100 * bootstrap.CONFIDENCE:.0f} %" if known else "",
    means=sorted(means, key=lambda row: row.quality),
    shown=len(cards),
    columns=[column for column in _COLUMNS if several or column.field != "model"],
    rows=rows,
    size=size_text(len(data)),
    data=markupsafe.Markup(data),
    style=markupsafe.Markup((FOLDER / "page.css").read_text(encoding="utf-8") + slider.style()),
    script=markupsafe.Markup(slider.script() + (FOLDER / "page.js").read_text(encoding="utf-8")),
  )


def size_text(size_bytes: int) -> str:
  """Returns a size in readable units: "812 bytes", "20.1 kB", "3.4 MB"."""
  if size_bytes < 1000:
    return f"{size_bytes} bytes"
  if size_bytes < 1_000_000:
    return f"{size_bytes / 1000:.1f} kB"
  return f"{size_bytes / 1_000_000:.1f} MB"


def _plotted(means, joined):
  """Returns what the template needs for the plot."""
  from deblock.launch.pictures import gain_plot

  return {
    "plot": markupsafe.Markup(gain_plot.svg(means, joined)),
    "plot_words": gain_plot.words(means),
    "colours": len(gain_plot.COLOURS),
  }


@functools.cache
def _template():
  environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER),
    autoescape=True,
    finalize=lambda value: harmless.printable(value) if type(value) is str else value,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
  )
  environment.filters |= {
    "counted": lambda count, name: f"{count:,} {name}" if count == 1 else f"{count:,} {name}s",
    "interval": tables.interval,
    "listed": _listed,
    "number": _number,
    "tone": _tone,
  }
  return environment.get_template("page.html")


def _json(value):
  # A closing tag ends a script element even inside a string: no < may stand in the data.
  return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _uri(data, kind):
  return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _without_loss(image):
  """Returns a picture, uint8 [H, W, 1] or [H, W, 3], as a data URI."""
  shown = Image.fromarray(grid.rgb(image))
  # WebP is smaller than PNG, but its sides are limited.
  kind = "webp" if max(shown.size) <= _WEBP_SIDE else "png"
  buffer = io.BytesIO()
  shown.save(buffer, kind, **({"lossless": True, "method": 3} if kind == "webp" else {}))
  return _uri(buffer.getvalue(), kind)


def _figures(psnr, ssim, psnr_b):
  return [f"{psnr:.2f}", f"{ssim:.4f}", f"{psnr_b:.2f}"]


def _listed(values):
  *most, last = map(str, values)
  return f"{', '.join(most)} and {last}" if most else last


def _tone(row):
  return "better" if row.gain > 0.0 else "worse" if row.gain < 0.0 else "same"


def _number(value):
  """Returns a number as JavaScript reads it."""
  if math.isinf(value):
    return "Infinity" if value > 0 else "-Infinity"
  return repr(float(value))
