"""The picture of a run's curves: loss, gain over the JPEG, learning rate."""

from collections.abc import Sequence
import pathlib
from typing import Any

from matplotlib import figure, style, ticker
import numpy as np

from deblock.launch.run_folder import history
from deblock.records import harmless
from deblock.records.layout import own_files

# Distinct to colour-blind eyes too (Okabe and Ito), without their yellow, which white swallows.
COLOURS = (
  *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5a5a5a", "#8c564b"),
)
_WIDTH, _HEIGHT = 9.6, 2.5  # Of a chart, in inches of 100 pixels.
_PALE_INK = "#696969"
# Whatever the user's own settings of matplotlib are, every run's picture looks the same.
_STYLE: list[str | pathlib.Path | dict[str, Any]] = [
  "default",
  {
    **{"figure.facecolor": "#fafafa", "axes.axisbelow": True, "axes.grid": True},
    **{"axes.titlelocation": "left", "axes.titlesize": 11, "grid.color": "#e2e2e2"},
    **{"legend.fontsize": 10, "legend.frameon": False},
    **{f"{axis}tick.{name}": _PALE_INK for axis in "xy" for name in ("color", "labelcolor")},
    **{f"{axis}tick.labelsize": 9 for axis in "xy"},
  },
]
_WINDOWS = 40  # A smoothed line is a mean over a 40th of its length.
_MOST_DOTS = 30  # A line of more points is drawn without dots.


def save(entries: Sequence[history.Entry], title: str, path: pathlib.Path) -> None:
  """Writes the picture as PNG."""
  with own_files.writing(path) as stream, style.context(_STYLE):
    # The version of matplotlib is not part of the picture.
    draw(entries, title).savefig(stream, format="png", metadata={"Software": None})


def draw(entries: Sequence[history.Entry], title: str) -> figure.Figure:
  """Returns the charts of what a run has logged, below each other over the same steps."""
  found = history.curves(entries)
  series = sorted({entry.series for entry in entries} - {history.MAIN, history.JPEG})
  held_out = {"": found} | {f", {name} weights": history.curves(entries, name) for name in series}
  with style.context(_STYLE):
    count = 3 + len(held_out)
    # A figure of its own: pyplot would keep every one of them, and ask for a display.
    made = figure.Figure((_WIDTH, 0.4 + _HEIGHT * count), dpi=100, layout="constrained")
    # A name may hold a dollar sign, which would begin a formula.
    made.suptitle(harmless.printable(title), parse_math=False)
    loss, gain, *gains, rate = made.subplots(count, sharex=True)
    losses = [point for point in found.get("train/loss", []) if point[1] > 0.0]
    _smoothed(loss, "training loss", "loss", losses)
    _logarithmic(loss)
    _smoothed(
      gain,
      "train gain: over the JPEG on training crops, dB",
      "gain",
      found.get("train/gain_db", []),
    )
    for chart, (whose, curves) in zip(gains, held_out.items(), strict=True):
      _held_out(chart, whose, curves)
    _line(rate, "rate", found.get("train/learning_rate", []))
    rate.set_title("learning rate")
    rate.set_xlabel("step")
    rate.set_xlim(0, max((entry.step for entry in entries), default=1) or 1)
    rate.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    rate.xaxis.set_major_formatter(ticker.EngFormatter(sep=""))
    for chart in (gain, *gains, rate):
      _from_zero(chart)
    for chart in made.axes:
      _key(chart)
  return made


def smooth(points: Sequence[tuple[float, float]], windows: int = _WINDOWS):
  """Returns points whose values are means over their neighbours; over fewer at the ends.

  Args:
    points: (step, value) pairs.
    windows: number of means that cover all points side by side.
  """
  reach = len(points) // windows // 2
  values = np.array([value for _, value in points], np.float64)
  sums = np.concatenate([[0.0], np.cumsum(values)])
  smoothed = []
  for index, (step, _) in enumerate(points):
    # As far to both sides, or the line would lag where it is steep.
    near = min(reach, index, len(points) - 1 - index)
    total = sums[index + near + 1] - sums[index - near]
    smoothed.append((step, float(total / (2 * near + 1))))
  return smoothed


def _smoothed(chart, title, label, points):
  """Draws a curve; a long one pale, and its means over it."""
  chart.set_title(title)
  if len(points) >= 2 * _WINDOWS:
    chart.plot(*zip(*points, strict=True), color=COLOURS[0], alpha=0.33, linewidth=0.8)
    points = smooth(points)
  _line(chart, label, points)


def _held_out(chart, whose, found):
  """Draws a line for each quality, and their mean where there are several."""
  chart.set_title(f"held-out gain: over the JPEG on held-out tiles{whose}, dB")
  prefix = "eval/gain_db/"
  names = [name for name in found if name.startswith(prefix)]
  if len(names) == 2:  # One quality, which is the mean.
    names.remove(f"{prefix}mean")
  for number, name in enumerate(names):
    _line(chart, name.removeprefix(prefix), found[name], number)


def _line(chart, label, points, number=0):
  """Draws one line, which the key names with its last value."""
  if points:
    steps, values = zip(*points, strict=True)
    chart.plot(
      steps,
      values,
      marker="." if len(points) <= _MOST_DOTS else None,
      color=COLOURS[number % len(COLOURS)],
      label=f"{label}  {values[-1]:.4g}",
    )


def _logarithmic(chart):
  if not chart.lines:
    return
  values = np.concatenate([line.get_ydata() for line in chart.lines])
  span = values.max() / values.min()
  chart.set_yscale("log")
  # Less than a decade has too few powers of ten for a scale, and several have too many tenths.
  subs = (1.0, 2.0, 5.0) if span < 1000 else (1.0,)
  chart.yaxis.set_major_locator(
    ticker.MaxNLocator(6) if span < 10 else ticker.LogLocator(subs=subs)
  )
  chart.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:.6g}"))
  chart.yaxis.set_minor_locator(ticker.NullLocator())


def _from_zero(chart):
  """Brings zero onto the axis, as its end unless values lie below."""
  chart.axhline(0.0, color=_PALE_INK, linewidth=1.0)
  if all(np.min(line.get_ydata()) >= 0.0 for line in chart.lines):
    chart.set_ylim(bottom=0.0)


def _key(chart):
  """Writes beside a chart which line is which, in the order in which the lines end."""
  handles, labels = chart.get_legend_handles_labels()
  if not handles:
    chart.text(0.5, 0.5, "nothing logged", transform=chart.transAxes, ha="center", color=_PALE_INK)
    chart.set_yticks([])
    return
  order = sorted(range(len(handles)), key=lambda index: -handles[index].get_ydata()[-1])
  chart.legend(
    [handles[index] for index in order],
    [labels[index] for index in order],
    loc="upper left",
    bbox_to_anchor=(1.0, 1.0),
  )
