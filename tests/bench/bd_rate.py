"""The Bjøntegaard difference: how many bytes a codec needs at equal quality, beside another."""

from collections.abc import Sequence

import numpy as np


def bd_rate(
  one: Sequence[tuple[float, float]],
  other: Sequence[tuple[float, float]],
  between: tuple[float, float] | None = None,
) -> float:
  """Returns by which share the second curve's rates are below (-) or above those of the first.

  Gisle Bjøntegaard, "Calculation of average PSNR differences between RD-curves", ITU-T VCEG-M33,
  2001: cubic polynomials of log10(rate) over the quality, fitted to all points, integrated over the
  qualities that both curves have. Here the range can be given, to compare several curves alike.

  Args:
    one: (rate, quality) of at least four points.
    other: the same.
    between: qualities to integrate between; None for those that both curves have.
  Raises:
    ValueError: if a curve has fewer than four points, or the range is empty or beyond a curve.
  """
  if min(len(one), len(other)) < 4:
    raise ValueError("a curve needs at least four points")
  qualities = [[quality for _, quality in curve] for curve in (one, other)]
  shared = max(map(min, qualities)), min(map(max, qualities))
  low, high = shared if between is None else between
  if not shared[0] <= low < high <= shared[1]:
    raise ValueError(f"both curves are within {shared}, not {low, high}")
  means = []
  for curve in (one, other):
    rates, values = np.array(curve, np.float64).T
    integral = np.polyint(np.polyfit(values, np.log10(rates), 3))
    means.append((np.polyval(integral, high) - np.polyval(integral, low)) / (high - low))
  return float(10.0 ** (means[1] - means[0]) - 1.0)
