"""Moves a restored image's coefficients to where in their quantisation cells they are expected.

The projection (`model.consistency`) stops at a cell's border, as if a network that is wrong by more
than that were right up to there. Taken as a measurement with an error, what it says and what the
file says have an expectation together: if the original's coefficient, in steps from the middle of
its cell, is u + sigma e with e normal, then given that it lies within half a step to either side it
is the mean of a normal variable that is cut to that interval,

  u + sigma (phi(a) - phi(b)) / (Phi(b) - Phi(a)),  a = (-1/2 - u) / sigma,  b = (1/2 - u) / sigma

(Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 1, 1994, section 13.10.1). That
is inside the cell whatever u is; near the border it is farther inside, where the network is surer
less so; and of fine steps, which say more than the network, it is near the middle.

Unlike a projection it may move a coefficient away from its original's; that it gains, and how large
sigma is, was measured. Of an image that was a JPEG before, cells need not hold the original, and
nothing in a network's output tells: there it loses what it gains elsewhere. So a coefficient goes
part of the way only, from the nearest point of its cell towards its expectation.
"""

from collections.abc import Sequence
import math

import tensorflow as tf

from deblock.model.cells import consistency

# sigma, in steps, is S q^-0.3 where the file's integer is -1, 0 or 1, and L q^-0.3 (1 + i + j)^0.2
# elsewhere, for a step of q at frequency (i, j): the larger a step, the more of it does a network
# restore, and the worse, the larger the coefficient. S and L of luma and of chroma are chosen for
# the weights that ship on six validation images, 4:2:0, at nine qualities from 5 to 95.
_LUMA, _CHROMA = (0.36, 0.50), (0.25, 0.45)
_STEPS, _FREQUENCIES = -0.3, 0.2
# The part of the way. All of it (half of it) gives the luma of the default weights, on 8 validation
# images at quality 10, 40, 75 and 90, 0.02, 0.04, 0.10 and 0.20 dB (0.01, 0.03, 0.07 and 0.15) more
# than the projection; of images of quality 30 saved again at 70, on the same grid and shifted by 4,
# 0.24 and 0.16 dB (0.11 and 0.07) less, of 60 saved again at 60, shifted, 0.08 dB (0.03) less. With
# 0.7 or 1.4 times sigma the gains are no larger, or the losses are
# (make bench PART=quality-expectation).
WAY = 0.5
# Farther outside, the expectation is taken as here, 0.28 sigma from the border: the formula divides
# by what is left of a tail, which float32 does not resolve.
_TAIL = 3.0


def expect(
  restored,
  plane_cells: Sequence[consistency.Cells],
  subsampling: str = "420",
  way: float = WAY,
  doubt: float = 1.0,
):
  """Returns images whose coefficients were moved into their cells and to where they are expected.

  Args:
    restored: float [B, H, W, 3], or [B, H, W, 1] gray; the block grid starts at the first pixel.
    plane_cells: of luma, or of luma, Cb and Cr; what has no cell stays as it is.
    subsampling: "444", "422" or "420", of the JPEG.
    way: the part of the way to the expectation, 0 (the projection) to 1.
    doubt: factor of sigma; more for a network that errs more than those that ship.
  Returns:
    float of the same type and shape, which [0, 1] does not bound.
  Raises:
    ValueError: if a static shape, the subsampling, the way or the doubt is none of these.
    InvalidArgumentError: in the graph, if the cells are not those of the images' blocks.
  """

  if not 0.0 <= way <= 1.0:
    raise ValueError(f"way must be in [0, 1], got {way}.")
  if not doubt > 0.0:
    raise ValueError(f"doubt must be more than 0, got {doubt}.")

  def change(index, samples, bounds):
    small, large = (doubt * figure for figure in (_CHROMA if index else _LUMA))

    def moved(coefficients, low, high):
      nearest = tf.clip_by_value(coefficients, low, high)
      expected = _expected(coefficients, low, high, small, large)
      return nearest + way * (expected - nearest)

    return consistency.plane_change(samples, bounds, moved)

  return consistency.move(restored, plane_cells, subsampling, change)


def cut_normal_mean(mean, deviation):
  """Returns the mean of normal variables that are cut to -1/2 to 1/2.

  Args:
    mean: float, of the variables before; what lies farther out than 3 deviations counts as there.
    deviation: float above 0, same shape.
  Returns:
    float, same shape, within -1/2 to 1/2.
  """
  # Of the mean's absolute value: the tail in which numbers are small is then always the same.
  away = tf.minimum(tf.abs(mean), 0.5 + _TAIL * deviation)
  near, far = ((away + edge) / (math.sqrt(2.0) * deviation) for edge in (-0.5, 0.5))
  left = 0.5 * (tf.math.erf(far) - tf.math.erf(near))
  densities = (tf.exp(-far * far) - tf.exp(-near * near)) / math.sqrt(2.0 * math.pi)
  return tf.sign(mean) * (away + deviation * densities / left)


def _expected(coefficients, low, high, small, large):
  """Returns the expected coefficients; small and large are S and L above."""
  steps = high - low
  known = tf.math.is_finite(steps)
  # All blocks of an image have the same steps, and most of what follows is then small.
  steps = tf.reduce_max(tf.where(known, steps, 1.0), axis=(1, 2), keepdims=True)
  powers = steps**_STEPS
  place = tf.range(8, dtype=tf.float32)
  frequencies = (1.0 + place[:, tf.newaxis] + place) ** _FREQUENCIES
  # A number that is finite where nothing is known, lest gradients be not.
  middle = tf.where(known, 0.5 * (low + high), 0.0)
  is_large = tf.abs(middle) > 1.5 * steps
  sigma = tf.where(is_large, large * powers * frequencies, small * powers)
  expected = middle + steps * cut_normal_mean((coefficients - middle) / steps, sigma)
  return tf.where(known, expected, coefficients)
