"""Gain over the JPEG by quality, drawn by matplotlib as SVG for the report page."""

from collections.abc import Sequence
import io
import math
import pathlib
import re
from typing import Any

from matplotlib import figure as figure_lib
from matplotlib import style, ticker

from deblock.launch.evaluation import figures, tables

# The page's colours by day; in the page they are variables, which change by night.
VARIABLES = {
  "#0f6e63": "--c0",
  "#b4530a": "--c1",
  "#4746c9": "--c2",
  "#b01e62": "--c3",
  "#5c7310": "--c4",
  "#66625d": "--c5",
  "#66625c": "--soft",
  "#e4e0d9": "--rule",
}
*COLOURS, _SOFT, _RULE = VARIABLES
_MOST_LABELS = 8
_STYLE: list[str | pathlib.Path | dict[str, Any]] = [
  "default",
  # Texts stay texts, in the page's font; and the same plot has the same bytes.
  {"svg.fonttype": "none", "svg.hashsalt": "gain"},
]


def svg(means: Sequence[figures.Row], joined: bool = True) -> str:
  """Returns the plot as an SVG element for an HTML page that defines `VARIABLES`."""
  file = io.StringIO()
  nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
  with style.context(_STYLE):
    plot(means, joined).savefig(file, format="svg", transparent=True, metadata=nothing)
  text = file.getvalue()
  # HTML knows the elements of SVG without their namespaces, and has no second document type.
  text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text[text.index("<svg") :])
  for colour, variable in VARIABLES.items():
    text = text.replace(colour, f"var({variable})")
  return text


def plot(means: Sequence[figures.Row], joined: bool = True) -> figure_lib.Figure:
  """Returns a line for each method through its mean gains, with their intervals as bands.

  Args:
    means: as `figures.means` returns them; gains that are not finite are left out.
    joined: whether all qualities were measured on the same images. If not, dots are not joined.
  """
  means = [row for row in means if math.isfinite(row.gain)]
  with style.context(_STYLE):
    made = figure_lib.Figure((4.2, 2.8), layout="constrained")
    axes = made.subplots()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=_SOFT)
    axes.grid(axis="y", color=_RULE)
    axes.axhline(0.0, color=_SOFT, linewidth=1)
    axes.set_xlabel("JPEG quality", color=_SOFT)
    axes.yaxis.set_major_locator(ticker.MaxNLocator(6))
    axes.yaxis.set_major_formatter(lambda gain, _: f"{gain:+.3g}" if abs(gain) > 1e-9 else "0")
    qualities = sorted({row.quality for row in means})
    axes.set_xticks(qualities[:: max(1, -(-len(qualities) // _MOST_LABELS))])
    for index, model in enumerate(dict.fromkeys(row.model for row in means)):
      rows = [row for row in means if row.model == model]
      _draw(axes, rows, COLOURS[index % len(COLOURS)], joined)
  return made


def words(means: Sequence[figures.Row]) -> str:
  """Returns in words what the plot shows, for those who do not see it."""
  return f"Mean gain over the JPEG by quality. {'; '.join(map(_word, means))}."


def _draw(axes, rows, colour, joined):
  known = [row for row in rows if row.gain_low is not None and row.gain_high is not None]
  if joined and len(known) == len(rows):
    low, high = ([getattr(row, end) for row in rows] for end in ("gain_low", "gain_high"))
    axes.fill_between([row.quality for row in rows], low, high, color=colour, alpha=0.14, lw=0)
  for row in known:
    axes.vlines(row.quality, row.gain_low, row.gain_high, color=colour, linewidth=1.2)
  axes.plot(
    [row.quality for row in rows],
    [row.gain for row in rows],
    color=colour,
    marker="o",
    markersize=5,
    linestyle="-" if joined else "",
  )


def _word(row):
  interval = tables.interval(row)
  between = f" ({interval})" if interval else ""
  return f"{row.model} at quality {row.quality}: {row.gain:+.3f} dB{between}"
