"""Hashes of names and pixels that are the same in every process, machine and version."""

import hashlib

import numpy as np
import xxhash


def stable_hash(*parts: object) -> int:
  """Returns a 64-bit hash of the texts of the parts."""
  text = "\0".join(map(str, parts))
  return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()[:8], "big")


def fraction(*parts: object) -> float:
  """Returns the hash of the parts as a fraction, uniform over [0, 1)."""
  return (stable_hash(*parts) >> 11) / 2**53


def content_hash(image: np.ndarray) -> str:
  """Returns 128 bits in hexadecimal that are equal if and, in practice, only if images are equal.

  XXH3 is 30 times as fast as SHA-256, which would take a twentieth of all the time that an image
  takes. It is not secure against images that are built to have the same hash.

  Args:
    image: uint8 [H, W, 3].
  """
  height, width = image.shape[:2]
  digest = xxhash.xxh3_128(f"{height}x{width} ".encode())
  digest.update(np.ascontiguousarray(image).data)
  return digest.hexdigest()
