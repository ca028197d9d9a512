"""How much of a network's correction counts, block by block, by what the JPEG's file says of it.

A network's free output lies in the quantisation cells, or near them, where the network is right. On
contents that it has not seen, such as comics and dithers, it lies far outside. Luma and chroma are
weighed apart. Two kinds of blocks tell little by their cells, and count less: see `most`.
"""

import numpy as np

# The border of trust is a / (1 + (q / b)^c) for a geometric mean of the plane's steps of q: the
# smaller the steps, the more of them is even a good network off. a, b and c of luma, of whole and
# of subsampled chroma are fitted to where the gain of blocks of photographs and of graphics at
# quality 10 to 95 changes its sign.
_BORDERS = {"luma": (0.13, 50.0, 1.8), "whole": (0.07, 40.0, 1.0), "sampled": (0.18, 30.0, 1.5)}
# Where all planes are flat in the file, nothing but the network says which colour lies inside the
# cells. Of smooth ramps it says the wrong one at low quality, of photographs' skies the right one:
# this share of chroma's correction is left out.
_FLAT_CHROMA = np.float32(0.35)
# Of fine steps, up to this geometric mean, a block that holds no more than a ramp is known to less
# than a level: this share of its correction is left out.
_FINE_STEPS, _RAMP = 10.0, np.float32(0.8)
_BEYOND_A_RAMP = np.setdiff1d(np.arange(1, 64), (1, 2, 8, 9, 16))


def weights(away: np.ndarray, border: float) -> np.ndarray:
  """Returns the weight of each block's correction, 0 to 1, by how far its free output is outside.

  With v the mean over the block's 64 coefficients of max(|u| - 1/2, 0), the weight falls from 1 at
  half of the border to 0 at three halves of it.

  Args:
    away: float32 [rows, columns, 64], u of the free output: its distance from the middle of the
      cell, in steps.
    border: as `border` returns it.
  Returns:
    float32 [rows, columns].
  """
  outside = np.abs(away)
  outside -= np.float32(0.5)
  np.maximum(outside, np.float32(0.0), out=outside)
  return np.clip(np.float32(1.5) - outside.mean(axis=-1) / np.float32(border), 0.0, 1.0)


def kind(is_chroma: bool, factors: tuple[int, int]) -> str:
  """Returns a plane's kind: "luma", or "whole" or "sampled" chroma."""
  return ("whole" if factors == (1, 1) else "sampled") if is_chroma else "luma"


def border(steps: np.ndarray, plane_kind: str) -> float:
  """Returns the v from which on corrections lose as much as they gain."""
  least, step, power = _BORDERS[plane_kind]
  return least / (1.0 + (_mean(steps) / step) ** power)


def most(integers: np.ndarray, steps: np.ndarray, plane_kind: str, flat: np.ndarray) -> np.ndarray:
  """Returns the largest weight of each block.

  Args:
    integers: float32 [rows, columns, 64], the plane's quantised coefficients.
    steps: float32 [64].
    plane_kind: as `kind` returns it.
    flat: bool [rows, columns], where luma is flat in the file, at the plane's resolution.
  Returns:
    float32 [rows, columns].
  """
  made = np.ones(integers.shape[:2], np.float32)
  if plane_kind != "sampled" and _mean(steps) <= _FINE_STEPS:
    made -= _RAMP * ~integers[..., _BEYOND_A_RAMP].any(axis=-1)
  if plane_kind != "luma":
    made *= 1 - _FLAT_CHROMA * (flat & is_flat(integers))
  return made


def is_flat(integers: np.ndarray) -> np.ndarray:
  """Returns which blocks have no coefficient but the first, bool [rows, columns]."""
  return np.logical_not(integers[..., 1:].any(axis=-1))


def _mean(steps):
  return float(np.exp(np.mean(np.log(steps))))
