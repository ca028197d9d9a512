"""Gain over the JPEG by quality, as a drawing for an HTML page."""

from collections.abc import Sequence
import html
import math

from deblock.launch.evaluation import figures, tables

WIDTH, HEIGHT = 420, 280
LEFT, RIGHT, TOP, BOTTOM = 54, 10, 14, 50
COLOURS = 6  # That the page's style sheet has, as classes m0 to m5.
_TICKS = 5
_MOST_LABELS = 8


def svg(means: Sequence[figures.Row], joined: bool = True) -> str:
  """Returns a line for each method through its mean gains, with their intervals as bands.

  Args:
    means: as `evaluation.means` returns them; gains that are not finite are left out.
    joined: whether the qualities have their images in common; a line between others means nothing.
  """
  means = [row for row in means if math.isfinite(row.gain)]
  models = list(dict.fromkeys(row.model for row in means))
  qualities = sorted({row.quality for row in means})
  ends = [
    0.0,
    *(value for row in means for value in (row.gain, row.gain_low, row.gain_high) if value),
  ]
  ticks = nice_ticks(min(ends), max(ends), _TICKS)

  def across(quality):
    if len(qualities) < 2:
      return (LEFT + WIDTH - RIGHT) / 2
    share = (quality - qualities[0]) / (qualities[-1] - qualities[0])
    return LEFT + 20 + share * (WIDTH - LEFT - RIGHT - 40)

  def up(gain):
    share = (gain - ticks[0]) / (ticks[-1] - ticks[0])
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

  parts = [
    f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(_words(means))}">'
  ]
  for tick in ticks:
    kind = "zero" if abs(tick) < 1e-9 else "grid"
    parts.append(f'<line class="{kind}" {_line(LEFT, up(tick), WIDTH - RIGHT, up(tick))}/>')
    label = f"{tick:+.{_decimals(ticks)}f}" if kind == "grid" else "0"
    parts.append(f'<text x="{LEFT - 8}" y="{up(tick) + 5:.1f}" text-anchor="end">{label}</text>')
  every = max(1, -(-len(qualities) // _MOST_LABELS))
  for quality in qualities[::every]:
    parts.append(
      f'<text x="{across(quality):.1f}" y="{HEIGHT - BOTTOM + 21}" text-anchor="middle">'
      f"{quality}</text>"
    )
  parts.append(
    f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">JPEG quality'
    "</text>"
  )
  for index, model in enumerate(models):
    rows = [row for row in means if row.model == model]
    parts += [f'<g class="m{index % COLOURS}">', *_series(rows, across, up, joined), "</g>"]
  return "\n".join([*parts, "</svg>"])


def nice_ticks(low: float, high: float, count: int) -> list[float]:
  """Returns about so many multiples of 1, 2 or 5 times a power of ten that enclose [low, high].

  Args:
    low: lower end.
    high: upper end; an empty range is made one.
    count: of the intervals, at most.
  """
  if high - low < 1e-9:
    low, high = min(low, 0.0), max(high, low + 1.0)
  rough = (high - low) / count
  power = 10.0 ** math.floor(math.log10(rough))
  step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
  first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
  return [round(step * index, 9) for index in range(first, last + 1)]


def _series(rows, across, up, joined):
  known = [row for row in rows if row.gain_low is not None and row.gain_high is not None]
  if joined and len(known) == len(rows) > 1:
    there = [f"{across(row.quality):.1f},{up(row.gain_high):.1f}" for row in rows]
    back = [f"{across(row.quality):.1f},{up(row.gain_low):.1f}" for row in reversed(rows)]
    yield f'<polygon class="band" points="{" ".join(there + back)}"/>'
  for row in known:
    x = across(row.quality)
    yield f'<line class="reach" {_line(x, up(row.gain_low), x, up(row.gain_high))}/>'
  if joined:
    points = " ".join(f"{across(row.quality):.1f},{up(row.gain):.1f}" for row in rows)
    yield f'<polyline class="path" points="{points}"/>'
  for row in rows:
    yield (
      f'<circle class="dot" cx="{across(row.quality):.1f}" cy="{up(row.gain):.1f}" r="4.5">'
      f"<title>{html.escape(_word(row))}</title></circle>"
    )


def _line(x1, y1, x2, y2):
  return f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'


def _decimals(ticks):
  return max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))


def _word(row):
  interval = tables.interval(row)
  between = f" ({interval})" if interval else ""
  return f"{row.model} at quality {row.quality}: {row.gain:+.3f} dB{between}"


def _words(means):
  return f"Mean gain over the JPEG by quality. {'; '.join(map(_word, means))}."
