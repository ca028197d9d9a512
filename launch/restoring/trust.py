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
# Where the file holds luma and chroma as flat, nothing but the network says which colour lies
# inside the cells. Most colours of photographs are pale. The network is right up to this distance
# from gray, in levels; farther out, this share of chroma's correction is left out.
_PALE, _STRONG = 16.0, np.float32(0.4)
# Of fine steps, up to this geometric mean, blocks with few coefficients besides the first are known
# to about a level, and the network is worse than the file on edges and ramps of drawings. Up to
# _RAMP of them, a share of the correction is left out; up to _FULL, luma's border is the lower the
# fewer there are.
_FINE_STEPS, _RAMP, _OF_RAMPS, _FULL = 10.0, 2, np.float32(0.8), 31


def weights(away: np.ndarray, border: np.ndarray) -> np.ndarray:
  """Returns the weight of each block's correction, 0 to 1, by how far its free output is outside.

  With v the mean over the block's 64 coefficients of max(|u| - 1/2, 0), the weight falls from 1 at
  half of the border to 0 at three halves of it.

  Args:
    away: float32 [rows, columns, 64], u of the free output: its distance from the middle of the
      cell, in steps.
    border: float32 [rows, columns], as `border` returns it.
  Returns:
    float32 [rows, columns].
  """
  outside = np.abs(away)
  outside -= np.float32(0.5)
  np.maximum(outside, np.float32(0.0), out=outside)
  return np.clip(np.float32(1.5) - outside.mean(axis=-1) / border, 0.0, 1.0)


def kind(is_chroma: bool, factors: tuple[int, int]) -> str:
  """Returns a plane's kind: "luma", or "whole" or "sampled" chroma."""
  return ("whole" if factors == (1, 1) else "sampled") if is_chroma else "luma"


def border(integers: np.ndarray, steps: np.ndarray, plane_kind: str) -> np.ndarray:
  """Returns the v from which on corrections lose as much as they gain, of each block.

  Args:
    integers: float32 [rows, columns, 64], the plane's quantised coefficients.
    steps: float32 [64].
    plane_kind: as `kind` returns it.
  Returns:
    float32 [rows, columns].
  """
  greatest, step, power = _BORDERS[plane_kind]
  made = np.full(integers.shape[:2], greatest / (1.0 + (_mean(steps) / step) ** power), np.float32)
  if plane_kind == "luma" and _mean(steps) <= _FINE_STEPS:
    made *= np.minimum((1 + _count(integers)) * np.float32(1 / (1 + _FULL)), 1.0)
  return made


def most(
  integers: np.ndarray, steps: np.ndarray, plane_kind: str, strong: np.ndarray
) -> np.ndarray:
  """Returns the largest weight of each block.

  Args:
    integers: float32 [rows, columns, 64], the plane's quantised coefficients.
    steps: float32 [64].
    plane_kind: as `kind` returns it.
    strong: bool [rows, columns], of chroma: where luma is flat in the file, at the plane's
      resolution, and the colour strong.
  Returns:
    float32 [rows, columns].
  """
  made = np.ones(integers.shape[:2], np.float32)
  if plane_kind != "sampled" and _mean(steps) <= _FINE_STEPS:
    made -= _OF_RAMPS * (_count(integers) <= _RAMP)
  if plane_kind != "luma":
    made *= 1 - _STRONG * (strong & is_flat(integers))
  return made


def is_strong(first: np.ndarray, second: np.ndarray) -> np.ndarray:
  """Returns where a colour is far from gray, bool, of both chroma's means in levels around 0."""
  return np.hypot(first, second) >= _PALE


def is_flat(integers: np.ndarray) -> np.ndarray:
  """Returns which blocks have no coefficient but the first, bool [rows, columns]."""
  return np.logical_not(integers[..., 1:].any(axis=-1))


def _count(integers):
  return np.count_nonzero(integers[..., 1:], axis=-1)


def _mean(steps):
  return float(np.exp(np.mean(np.log(steps))))
