"""Perceptual hashes: copies that were encoded, scaled or trimmed again have similar ones."""

import numpy as np
from PIL import Image

# Hashes of near-duplicates differ in at most this many of the 64 bits. Re-encoded, scaled and
# slightly trimmed copies are nearly all found, and pairs of different photographs nearly never
# (tests/records/planning/perceptual_test.py). More bits find few more copies, but false pairs grow
# with the square of the set.
NEAR_BITS = 6

# Large images are first averaged down to about this side. At half of it, the phase of the averaging
# changes the hashes of scaled copies.
_REDUCED_SIDE = 128
# Averaged at a time, as Pillow copies what it averages.
_ROWS_AT_ONCE = 256
# Side of the picture that is transformed, and of the square of frequencies that is kept.
_PICTURE_SIDE, _HASH_SIDE = 32, 8
# Below this standard deviation the bits are noise: copies are missed, and clear skies are similar.
_FLAT_LEVELS = 2.0


def perceptual_hash(pixels: np.ndarray) -> int | None:
  """Returns a hash that changes in few bits if the image changes little to the eye.

  Each bit says whether one of the 64 lowest frequencies of the gray image, shrunk to 32x32, is
  above their median: pHash of the library ImageHash. About 1.3 ms for 768x512, and 2 ns for each
  further pixel. Mirrored and rotated copies have other hashes.

  Flat images, such as blank pages and clear skies, get None: their bits come from noise, and would
  join unrelated images.

  Args:
    pixels: uint8 [H, W, 3], any size from 1x1.
  Returns:
    64 bits as an int in [0, 2**64), or None for a flat image.
  """
  height, width = pixels.shape[:2]
  factors = (max(1, width // _REDUCED_SIDE), max(1, height // _REDUCED_SIDE))
  # A multiple of the factor, so that the parts together equal the reduced whole.
  rows = factors[1] * -(-_ROWS_AT_ONCE // factors[1])
  parts = [
    np.asarray(Image.fromarray(pixels[row : row + rows]).reduce(factors).convert("L"))
    for row in range(0, height, rows)
  ]
  # ImageHash would choose this size, and so leaves the picture unchanged.
  size = (_PICTURE_SIDE, _PICTURE_SIDE)
  picture = Image.fromarray(np.concatenate(parts)).resize(size, Image.Resampling.LANCZOS)
  if np.asarray(picture).std() < _FLAT_LEVELS:
    return None
  # Here, since it loads SciPy, which the settings of records do without.
  import imagehash

  found = imagehash.phash(picture, _HASH_SIDE, _PICTURE_SIDE // _HASH_SIDE)
  return int.from_bytes(np.packbits(found.hash).tobytes(), "big")
