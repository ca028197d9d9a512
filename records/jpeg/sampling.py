"""The block grid of JPEG, its chroma subsamplings, and the weights of luma."""

# Side of a block, in samples of its plane.
BLOCK = 8
# Side of a minimum coded unit with 4:2:0, in pixels.
MCU = 16
# Of red, green and blue; ITU-T T.871, section 7.
LUMA = (0.299, 0.587, 0.114)
# Rows and columns of pixels to one sample of chroma. `pipeline.distributions` draws in this order.
FACTORS = {"420": (2, 2), "422": (1, 2), "444": (1, 1)}


def check(subsampling: str) -> str:
  """Returns the chroma subsampling after checking it.

  Raises:
    ValueError: if it is none of `FACTORS`.
  """
  if subsampling not in FACTORS:
    raise ValueError(f"subsampling must be one of {', '.join(FACTORS)}, got {subsampling!r}.")
  return subsampling
