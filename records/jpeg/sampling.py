"""How JPEG samples chroma: pixels to one sample of Cb and of Cr, by the name of the subsampling."""

# Rows and columns of pixels.
FACTORS = {"444": (1, 1), "422": (1, 2), "420": (2, 2)}


def check(subsampling: str) -> str:
  """Returns the chroma subsampling after checking it.

  Raises:
    ValueError: if it is none of `FACTORS`.
  """
  if subsampling not in FACTORS:
    raise ValueError(f"subsampling must be one of {', '.join(FACTORS)}, got {subsampling!r}.")
  return subsampling
