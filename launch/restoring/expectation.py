"""Where in its quantisation cell a coefficient is to be expected, given what a network says.

If the original's coefficient, in steps from the middle of its cell, is u + sigma e with e normal,
then given that it lies within half a step it is the mean of a normal variable that is cut to that
interval (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994, 13.10.1):

  integral of x exp(-(x - u)^2 / (2 sigma^2)) / integral of exp(-(x - u)^2 / (2 sigma^2)),

both over -1/2 to 1/2. The projection would stop at the cell's border, as if a network that is wrong
by more than that were right up to there.

An image that was a JPEG before need not lie in its cells, and loses where others gain; nothing in
the file tells. A coefficient therefore moves a part of the way only, from the nearest point of its
cell towards its expectation. The first one of a block, its mean, goes all of the way: of means,
the file knows more than a network, and the steps are small.
"""

import functools

import numpy as np

# sigma, in steps, is S q^-0.3 where the file's integer is -1, 0 or 1, and L q^-0.3 (1 + i + j)^0.2
# elsewhere, for a step of q at frequency (i, j); of the first coefficient it is 1.3 q^-0.55. All
# are fitted on validation photographs, and the part of the way on double JPEGs too:
# make bench PART=expectation.
S_AND_L = {"luma": (0.36, 0.50), "sampled": (0.25, 0.45), "whole": (0.36, 0.80)}
WAY = 0.5
_MEAN, _MEAN_STEPS = 1.3, -0.55
_STEPS, _FREQUENCIES = -0.3, 0.2
# Of a table: the largest |u|, in steps, and the intervals up to it. One begins at 1/2.
_FARTHEST, _ENTRIES = 2.0, 256
_TAIL = 3.0  # An u farther outside than so many sigma counts as there.
# Gauss-Legendre quadrature of 24 nodes over -1/2 to 1/2, by the eigenvectors of the polynomials'
# recurrence (Golub and Welsch 1969): importing NumPy's own takes longer than all tables.
_BESIDE = 0.5 / np.sqrt(4.0 - 1.0 / np.arange(1.0, 24.0) ** 2)
_NODES, _VECTORS = np.linalg.eigh(np.diag(_BESIDE, 1) + np.diag(_BESIDE, -1))
_WEIGHTS = _VECTORS[0] ** 2
_MASS_AND_MOMENT = np.stack([_WEIGHTS, _WEIGHTS * _NODES]).astype(np.float32)


def cut_normal_mean(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
  """Returns the mean of normal variables that are cut to -1/2 to 1/2.

  Args:
    mean: float, of the variables before; beyond 3 deviations outside it counts as there.
    deviation: float, at least 0.02, of a shape that broadcasts with it.
  """
  # That near, some node's density does not underflow.
  farthest = 0.5 + _TAIL * deviation
  # In 32 bits, in which NumPy's exponential is several times as fast.
  exponents = np.subtract.outer(_NODES, np.clip(mean, -farthest, farthest)).astype(np.float32)
  exponents /= np.asarray(deviation, np.float32)
  exponents *= exponents
  exponents *= np.float32(-0.5)
  densities = np.exp(exponents, out=exponents)
  mass, moment = np.tensordot(_MASS_AND_MOMENT, densities, 1)
  return moment / mass


class Mover:
  """Moves the coefficients of one plane; a table for each frequency stands in for the formula.

  Args:
    steps: [64], the plane's quantisation steps.
    kind: of the plane: "luma", or "whole" or "sampled" chroma.
    inside: how far inside the cell, in levels, a coefficient ends at least.
  """

  def __init__(self, steps: np.ndarray, kind: str, inside: float):
    self._table, self._slope = _table(tuple(int(step) for step in steps), kind)
    self._most = np.maximum(0.5 - inside / steps, 0.0).astype(np.float32)
    self._first = np.arange(64, dtype=np.int32) * (_ENTRIES + 1)

  def __call__(self, away: np.ndarray, large: np.ndarray) -> np.ndarray:
    """Returns where coefficients go to, in steps from the middles of their cells.

    Args:
      away: float32 [..., 64], where they are.
      large: bool of the same shape, whether the file's integer is beyond -1 to 1.
    """
    place = np.abs(away)
    place *= np.float32(_ENTRIES / _FARTHEST)
    np.minimum(place, np.float32(_ENTRIES - 1e-3), out=place)
    entry = place.astype(np.int32)
    place -= entry
    entry += self._first
    entry += large * np.int32(64 * (_ENTRIES + 1))
    place *= self._slope.take(entry)
    place += self._table.take(entry)
    np.minimum(place, self._most, out=place)
    return np.copysign(place, away, out=place)


@functools.lru_cache(maxsize=8)
def _table(steps, kind):
  """Returns the values at the entries' beginnings and the differences to the next."""
  steps = np.array(steps, float)
  small, large = S_AND_L[kind]
  frequencies = 1.0 + np.add.outer(np.arange(8), np.arange(8)).ravel()
  sigma = np.stack([small * steps**_STEPS, large * steps**_STEPS * frequencies**_FREQUENCIES])
  sigma[:, 0] = _MEAN * steps[0] ** _MEAN_STEPS
  sigma = np.maximum(sigma, 0.02)[..., np.newaxis]
  away = np.linspace(0.0, _FARTHEST, _ENTRIES + 1)
  nearest = np.minimum(away, 0.5)
  way = np.where(np.arange(64) == 0, 1.0, WAY)[:, np.newaxis]
  moved = nearest + way * (cut_normal_mean(away, sigma) - nearest)
  slopes = np.append(np.diff(moved), np.zeros((2, 64, 1)), axis=-1)
  return moved.astype(np.float32).ravel(), slopes.astype(np.float32).ravel()
