"""Keeps freed memory in the process, which doubles the speed of training on CPU.

TensorFlow frees and allocates every activation at each step. glibc gives such large pieces back to
the system at once, and the page faults of fetching them again took 60 % of the time where it was
measured. TensorFlow's generator dataset, which the distributed iterators run, sets thresholds of
its own when it is first used: what is set here does not outlive that.
"""

import ctypes

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_LARGEST_MMAP_THRESHOLD = 32 * 1024**2  # glibc ignores larger values.


def keep_freed_memory() -> bool:
  """Tells glibc's allocator to keep what is freed; to be called before TensorFlow computes.

  Returns:
    Whether the allocator took it; False with another C library.
  """
  mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
  if mallopt is None:
    return False
  options = (
    (_M_ARENA_MAX, 1),  # Freed memory of one thread then serves all.
    (_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD),
    (_M_TRIM_THRESHOLD, 2**31 - 1),
    (_M_TOP_PAD, 256 * 1024**2),
  )
  return all([mallopt(option, value) == 1 for option, value in options])  # noqa: C419, all are set
