"""Photographs that come with scikit-image, as parts of drawn images."""

import functools

import numpy as np
from PIL import Image

from deblock.records import installed
from deblock.records.graphics import choices as choices_lib

# By how much each is shrunk at least: JPEGs so far that their own artifacts are gone. No photograph
# of training is in validation.
_PHOTOGRAPHS = {
  "train": {
    "astronaut.png": 1.0,
    "motorcycle_left.png": 1.0,
    "motorcycle_right.png": 1.0,
    "camera.png": 1.0,
    "moon.png": 1.0,
    "hubble_deep_field.jpg": 2.5,
    "rocket.jpg": 2.5,
  },
  "valid": {"coffee.png": 1.0, "brick.png": 1.0, "coins.png": 1.0, "chelsea.png": 2.5},
}
_MOST_SHRUNK = 2.5


def names(split: str) -> tuple[str, ...]:
  """Returns the names of a split's photographs."""
  return tuple(_PHOTOGRAPHS[split])


def photograph(choices: choices_lib.Choices, width: int, height: int) -> Image.Image:
  """Returns a part of a photograph, of mode RGB, at times mirrored and with other colours.

  Raises:
    FileNotFoundError: if scikit-image or the photograph is not installed.
  """
  among = _PHOTOGRAPHS[choices.split]
  name = choices.pick(tuple(among))
  whole = _whole(name)
  # How many pixels of the photograph are one of the result; enlarged if it is too small.
  most = min(whole.width / width, whole.height / height)
  shrunk = min(most, choices.number(among[name], max(_MOST_SHRUNK, among[name])))
  across, down = width * shrunk, height * shrunk
  left = choices.number(0.0, whole.width - across)
  top = choices.number(0.0, whole.height - down)
  box = (left, top, left + across, top + down)
  made = whole.resize((width, height), Image.Resampling.LANCZOS, box)
  if choices.happens(0.5):
    made = made.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
  return _toned(choices, made)


def _toned(choices, image):
  """Returns a photograph, half of the time with other channels, contrast and brightness."""
  if choices.happens(0.5):
    return image
  pixels = np.asarray(image, np.float32)[..., choices.generator.permutation(3)]
  contrast, brightness = choices.number(0.7, 1.3), choices.number(-25.0, 25.0)
  toned = (pixels - 128.0) * contrast + 128.0 + brightness
  return Image.fromarray(np.clip(np.rint(toned), 0, 255).astype(np.uint8))


@functools.lru_cache(maxsize=16)
def _whole(name):
  with Image.open(installed.path("skimage", f"data/{name}")) as image:
    return image.convert("RGB")
