"""A comparison as one HTML file that needs nothing else: pictures, figures, style and script."""

import base64
from collections.abc import Sequence
import html
import io
import json
import math
import pathlib
import string
from typing import NamedTuple

import numpy as np
from PIL import Image

from deblock.launch.evaluation import bootstrap, figures, tables
from deblock.launch.pictures import gain_plot, side_by_side

FILE = "report.html"
FOLDER = pathlib.Path(__file__).parent / "report_page"
TITLE = "Restored JPEGs, compared"
_WEBP_SIDE = 16383
_COLUMNS = (
  ("JPEG PSNR", "psnr_jpeg", "{:.3f}"),
  ("PSNR", "psnr", "{:.3f}"),
  ("gain", "gain", "{:+.3f}"),
  ("JPEG SSIM", "ssim_jpeg", "{:.4f}"),
  ("SSIM", "ssim", "{:.4f}"),
  ("JPEG PSNR-B", "psnr_b_jpeg", "{:.3f}"),
  ("PSNR-B", "psnr_b", "{:.3f}"),
  ("seconds", "seconds", "{:.2f}"),
)


class Card(NamedTuple):
  """One image as the page shows it, at each quality and by each method.

  Attributes:
    image: its identity.
    shown: what the page's script reads: texts, figures and pictures as data URIs.
  """

  image: str
  shown: dict


def card(trials: Sequence[figures.Trial]) -> Card:
  """Returns an image's card: its JPEGs byte by byte, the other pictures without loss.

  Args:
    trials: of one image, at least one; every method at every quality.
  """
  first = trials[0]
  height, width = first.clean.shape[:2]
  shown: dict = {
    "name": first.row.image,
    "width": width,
    "height": height,
    "detail": side_by_side.most_improved(first.clean, first.jpeg, first.restored),
    "qualities": list(dict.fromkeys(str(trial.row.quality) for trial in trials)),
    "models": list(dict.fromkeys(trial.row.model for trial in trials)),
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
    shown["restored"].setdefault(quality, {})[row.model] = {
      "picture": _without_loss(restored),
      "figures": _figures(row.psnr, row.ssim, row.psnr_b),
      "gain": f"{row.gain:+.2f} dB",
      "tone": _tone(row),
    }
  return Card(first.row.image, shown)


def page(rows: Sequence[figures.Row], cards: Sequence[Card], protocol: str) -> str:
  """Returns the HTML document.

  Args:
    rows: figures of every image at every quality by every method, at least one.
    cards: the images that are shown.
    protocol: in words, what was compressed and measured.
  """
  means = figures.means(rows)
  images = len({row.image for row in rows})
  models = list(dict.fromkeys(row.model for row in rows))
  qualities = sorted({row.quality for row in rows})
  data = _json({"cards": [card.shown for card in cards]})
  of_quality = {q: frozenset(row.image for row in rows if row.quality == q) for q in qualities}
  joined = len(set(of_quality.values())) == 1
  return string.Template(_part("page.html")).substitute(
    title=TITLE,
    lead=html.escape(
      f"{_count(images, 'image')} at {_listed('quality', 'qualities', qualities)}, restored by "
      f"{_and(models)}."
    ),
    protocol=html.escape(
      f"{protocol[0].upper()}{protocol[1:]}. Figures are those of whole images; of decibels, the "
      "mean of each image's."
    ),
    plot=gain_plot.svg(means, joined),
    legend=_legend(models),
    plot_caption=html.escape(_plot_caption(means, joined)),
    means=_means(means, len(models) > 1),
    table=_table(rows, len(models) > 1),
    pictures_hidden="" if cards else " hidden",
    pictures_note=html.escape(
      f"{_shown(len(cards), images)}Drag across a picture, or use the slider below. Zoom with the "
      "buttons, a double click or the plus key, and drag what is enlarged. Errors are the "
      "differences from the clean image, eight times as bright."
    ),
    foot=html.escape(
      f"Pictures take {size_text(len(data))} of this file: JPEGs byte by byte, the others without "
      "loss. It loads nothing from anywhere."
    ),
    data=data,
    style=_part("page.css"),
    script=_part("page.js"),
  )


def size_text(size_bytes: int) -> str:
  """Returns a size in bytes as people read it: "812 bytes", "20.1 kB", "3.4 MB"."""
  if size_bytes < 1000:
    return f"{size_bytes} bytes"
  if size_bytes < 1_000_000:
    return f"{size_bytes / 1000:.1f} kB"
  return f"{size_bytes / 1_000_000:.1f} MB"


def _part(name):
  return (FOLDER / name).read_text(encoding="utf-8")


def _json(value):
  # A script element ends at its closing tag, wherever that stands: no < may be spelled out.
  return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _uri(data, kind):
  return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _without_loss(image):
  """Returns a picture, uint8 [H, W, 1] or [H, W, 3], as a data URI."""
  shown = Image.fromarray(np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3))))
  # WebP is two thirds of a PNG, but bounded in size.
  kind = "webp" if max(shown.size) <= _WEBP_SIDE else "png"
  buffer = io.BytesIO()
  shown.save(buffer, kind, **({"lossless": True, "method": 3} if kind == "webp" else {}))
  return _uri(buffer.getvalue(), kind)


def _figures(psnr, ssim, psnr_b):
  return [f"{psnr:.2f}", f"{ssim:.4f}", f"{psnr_b:.2f}"]


def _count(number, name):
  return f"{number:,} {name}" if number == 1 else f"{number:,} {name}s"


def _listed(one, many, values):
  return f"{one if len(values) == 1 else many} {_and(list(map(str, values)))}"


def _and(names):
  return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _shown(cards, images):
  if cards == images:
    return ""
  return f"The first {cards} of {images} images are shown, so that the file stays small. "


def _plot_caption(means, joined):
  caption = "Mean gain in PSNR, decibels."
  if not joined:
    caption += " Each quality has images of its own."
  if any(row.gain_low is not None for row in means):
    share = f"{100 * bootstrap.CONFIDENCE:.0f} %"
    return f"{caption} Bands are {share} bootstrap intervals of the mean over the images."
  return f"{caption} Of one image each, it says nothing of how others do."


def _legend(models):
  if len(models) < 2:
    return ""
  items = "".join(
    f'<li class="m{index % gain_plot.COLOURS}">{html.escape(model)}</li>'
    for index, model in enumerate(models)
  )
  return f'<ul class="legend">{items}</ul>'


def _means(means, several):
  """Returns the table of means, the methods of one quality below each other."""
  names = ["quality", *(["restored by"] if several else [])]
  names += ["JPEG, dB", "restored", "gain", "SSIM"]
  heads = "".join(f'<th scope="col"{_named(name == "restored by")}>{name}</th>' for name in names)
  lines = []
  for row in sorted(means, key=lambda row: row.quality):
    model = f'<td class="name">{html.escape(row.model)}</td>' if several else ""
    interval = tables.interval(row)
    between = f'<span class="range">{interval}</span>' if interval else ""
    lines.append(
      f"<tr><td>{row.quality}</td>{model}<td>{row.psnr_jpeg:.2f}</td><td>{row.psnr:.2f}</td>"
      f'<td><span class="{_tone(row)}">{row.gain:+.3f}</span>{between}</td>'
      f"<td>{row.ssim_jpeg:.4f} → {row.ssim:.4f}</td></tr>"
    )
  return f'<table id="means"><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _table(rows, several):
  """Returns the table of every row, whose columns sort."""
  texts = [("image", "image"), ("restored by", "model")] if several else [("image", "image")]
  heads = [_sorting(title, "text") for title, _ in texts]
  heads.insert(1, _sorting("quality", "number"))
  heads += [_sorting(title, "number") for title, _, _ in _COLUMNS]
  lines = []
  for row in rows:
    cells = [f'<td class="name">{html.escape(getattr(row, field))}</td>' for _, field in texts]
    cells.insert(1, f"<td>{row.quality}</td>")
    for _, field, spelled in _COLUMNS:
      value = getattr(row, field)
      tone = f' class="{_tone(row)}"' if field == "gain" else ""
      cells.append(f'<td{tone} data-value="{_number(value)}">{spelled.format(value)}</td>')
    lines.append(f"<tr>{''.join(cells)}</tr>")
  return (
    f'<table id="rows"><thead><tr>{"".join(heads)}</tr></thead>\n'
    + "<tbody>"
    + "\n".join(lines)
    + "</tbody></table>"
  )


def _sorting(title, kind):
  return (
    f'<th scope="col" data-kind="{kind}"{_named(kind == "text")}><button type="button">{title}'
    "</button></th>"
  )


def _named(is_text):
  return ' class="name"' if is_text else ""


def _tone(row):
  return "better" if row.gain > 0.0 else "worse" if row.gain < 0.0 else "same"


def _number(value):
  """Returns a number as JavaScript reads it."""
  if math.isinf(value):
    return "Infinity" if value > 0 else "-Infinity"
  return repr(float(value))
