"""Losses, each a number per image; the training step divides their sum by the global batch."""

from collections.abc import Callable

import tensorflow as tf


def l1(restored, clean):
  """Returns the mean absolute error of each image.

  Args:
    restored: float [B, H, W, C].
    clean: float, same shape and range.
  Returns:
    float [B], in the unit of the images.
  """
  return tf.reduce_mean(tf.abs(restored - clean), axis=(1, 2, 3))


def l2(restored, clean):
  """Returns the mean squared error of each image; arguments and shape as in `l1`."""
  return tf.reduce_mean(tf.math.squared_difference(restored, clean), axis=(1, 2, 3))


def smooth_l1(restored, clean):
  """Returns the Huber loss with threshold 1 of each image, BlockCNN's (PyTorch's SmoothL1).

  The published code trains on levels of 0 to 255, so the error is scaled to levels here; on [0, 1]
  the threshold would never be reached.

  Args:
    restored: float [B, H, W, C] in [0, 1].
    clean: float, same shape and range.
  Returns:
    float [B], in levels.
  """
  error = 255.0 * tf.abs(restored - clean)
  return tf.reduce_mean(tf.where(error < 1.0, 0.5 * tf.square(error), error - 0.5), axis=(1, 2, 3))


_LOSSES: dict[str, Callable] = {"l1": l1, "l2": l2, "smooth_l1": smooth_l1}


def names() -> tuple[str, ...]:
  """Returns the names of all losses, sorted."""
  return tuple(sorted(_LOSSES))


def get(name: str) -> Callable:
  """Returns the loss of that name.

  Raises:
    ValueError: if there is none; the message lists those there are.
  """
  if name not in _LOSSES:
    raise ValueError(f"loss must be one of {', '.join(names())}, got {name!r}.")
  return _LOSSES[name]
