"""In which numbers a network computes."""

from collections.abc import Iterator
import contextlib

import keras

from deblock.launch.settings import optimization as optimization_settings

_POLICIES = {
  optimization_settings.FLOAT32: "float32",
  optimization_settings.BFLOAT16: "mixed_bfloat16",
  optimization_settings.FLOAT16: "mixed_float16",
}


@contextlib.contextmanager
def of_layers(name: str) -> Iterator[None]:
  """Builds the networks of the context so that layers compute in a precision.

  Weights stay float32, and so do layers that ask for it: the first and the last of every network.

  Args:
    name: one of `optimization_config.PRECISIONS`.
  """
  before = keras.config.dtype_policy()
  keras.config.set_dtype_policy(_POLICIES[name])
  try:
    yield
  finally:
    keras.config.set_dtype_policy(before)
