"""Shapes with and without antialiasing: drawn several times as large, then shrunk."""

from collections.abc import Sequence
import itertools

from PIL import Image, ImageDraw

from deblock.records.graphics import choices as choices_lib

Point = tuple[float, float]
Box = tuple[float, float, float, float]


class Canvas:
  """An image that shapes are drawn on, in pixels of the result that need not be whole.

  Attributes:
    side: of the image.
    image: of mode RGB, `factor` times as large.
    factor: 1 without antialiasing.
  """

  def __init__(self, side: int, ground: choices_lib.Colour, factor: int = 4):
    """Takes the attributes, and the colour that is everywhere at first."""
    self.side, self.factor = side, factor
    self.image = Image.new("RGB", (side * factor, side * factor), ground)
    self._pen = ImageDraw.Draw(self.image)

  @classmethod
  def drawn(
    cls, choices: choices_lib.Choices, side: int, ground: choices_lib.Colour, smooth: float = 0.8
  ) -> "Canvas":
    """Returns a canvas that is antialiased in that share of the calls."""
    return cls(side, ground, choices.pick((3, 4)) if choices.happens(smooth) else 1)

  def finished(self) -> Image.Image:
    """Returns the image in its own size."""
    return self.image if self.factor == 1 else self.image.reduce(self.factor)

  def rectangle(
    self,
    box: Box,
    fill: choices_lib.Colour | None = None,
    edge: choices_lib.Colour | None = None,
    width: float = 1.0,
    radius: float = 0.0,
  ) -> None:
    """Draws a rectangle: left, top, right and bottom, the last two excluded."""
    left, top, right, bottom = self._scaled(box)
    if right <= left or bottom <= top:
      return
    corners = (left, top, right - 1, bottom - 1)
    wide = self._wide(width) if edge else 0
    # Pillow refuses corners that leave a pixel or two between them.
    bend = min(radius * self.factor, (min(right - left, bottom - top) - 4) // 2)
    if bend >= 1:
      self._pen.rounded_rectangle(corners, bend, fill, edge, wide)
    else:
      self._pen.rectangle(corners, fill, edge, wide)

  def ellipse(
    self,
    box: Box,
    fill: choices_lib.Colour | None = None,
    edge: choices_lib.Colour | None = None,
    width: float = 1.0,
  ) -> None:
    """Draws an ellipse inside a box."""
    left, top, right, bottom = self._scaled(box)
    if right > left and bottom > top:
      self._pen.ellipse((left, top, right, bottom), fill, edge, self._wide(width) if edge else 0)

  def slice(
    self, box: Box, begin: float, end: float, fill: choices_lib.Colour, edge=None, width: float = 1
  ) -> None:
    """Draws a slice of an ellipse, angles in degrees clockwise from three o'clock."""
    left, top, right, bottom = self._scaled(box)
    if right > left and bottom > top:
      self._pen.pieslice((left, top, right, bottom), begin, end, fill, edge, self._wide(width))

  def arc(
    self, box: Box, begin: float, end: float, fill: choices_lib.Colour, width: float = 1
  ) -> None:
    """Draws a part of an ellipse's outline, angles as in `slice`."""
    self._pen.arc(self._scaled(box), begin, end, fill, self._wide(width))

  def line(self, points: Sequence[Point], fill: choices_lib.Colour, width: float = 1.0) -> None:
    """Draws lines from point to point, with round joints where they are wide."""
    scaled = [(x * self.factor, y * self.factor) for x, y in points]
    wide = self._wide(width)
    self._pen.line(scaled, fill, wide, joint="curve" if wide > 2 else None)

  def dashed(
    self, points: Sequence[Point], fill: choices_lib.Colour, width: float, dash: float
  ) -> None:
    """Draws lines as dashes, each as long as the gaps."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
      length = max(abs(x1 - x0), abs(y1 - y0), 1e-6)
      for number in range(int(length / (2 * dash)) + 1):
        begin = min(1.0, 2 * number * dash / length)
        end = min(1.0, begin + dash / length)
        ends = [(x0 + share * (x1 - x0), y0 + share * (y1 - y0)) for share in (begin, end)]
        self.line(ends, fill, width)

  def polygon(
    self,
    points: Sequence[Point],
    fill: choices_lib.Colour | None = None,
    edge: choices_lib.Colour | None = None,
    width: float = 1.0,
  ) -> None:
    """Draws a closed shape."""
    if fill is not None:
      self._pen.polygon([(x * self.factor, y * self.factor) for x, y in points], fill)
    if edge is not None:
      self.line([*points, points[0], points[1]], edge, width)

  def arrow(self, begin: Point, end: Point, fill: choices_lib.Colour, width: float = 1.0) -> None:
    """Draws a line with a filled head at its end."""
    self.line((begin, end), fill, width)
    across, down = end[0] - begin[0], end[1] - begin[1]
    length = max((across**2 + down**2) ** 0.5, 1e-6)
    long, wide = 5 + 2 * width, 2.5 + width
    back = (end[0] - long * across / length, end[1] - long * down / length)
    aside = (wide * down / length, -wide * across / length)
    self.polygon(
      (
        end,
        (back[0] + aside[0], back[1] + aside[1]),
        (back[0] - aside[0], back[1] - aside[1]),
      ),
      fill,
    )

  def _scaled(self, box):
    return tuple(round(value * self.factor) for value in box)

  def _wide(self, width):
    return max(1, round(width * self.factor))
