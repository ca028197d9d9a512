"""Compresses one file of a set and writes the result.

Here or, for `runner.Apart`, in the process that `serve` makes of this one.
"""

from collections.abc import Callable
import functools
import pathlib
from typing import Any

from deblock.launch.compressing import batch, compress_config, picture
from deblock.launch.file_sets import outputs, result, runner
from deblock.launch.restoring import choices
from deblock.launch.restoring import network as network_lib
from deblock.launch.restoring import one_file as restoring
from deblock.records.photos import original

# The image and a trial, decoded and restored, and what the measure takes in float64; with a margin,
# which a slow test knows.
BYTES_PER_PIXEL = {"psnr": 130, "ssim": 130, "ssimulacra2": 330}


def load(config: compress_config.CompressConfig, log: Callable[[str], None]) -> runner.Do:
  """Returns the work on one file that a configuration asks for.

  Raises:
    FileNotFoundError: as `network.load`.
    ValueError: the same; or there is no such background.
  """
  picture.check_background(config.background)
  window = restoring.window_bytes(config.max_memory)
  network = (
    None if config.plain else network_lib.load(config.model, window, False, config.device, log)
  )
  each = BYTES_PER_PIXEL[config.target.measure]
  limits = result.Limits(
    *(config.max_memory, config.max_megapixels, window),
    lambda width, height, is_jpeg, file_bytes: width * height * each + file_bytes,
  )
  settings = _result_settings(config)

  def do(job, on_pixels):
    make = functools.partial(
      _made, path=job.path, network=network, config=config, on_pixels=on_pixels
    )
    return result.outcome_of(
      job, make, batch.COMPRESSED, limits, settings, config.overwrite, config.keep_times
    )

  return do


def _result_settings(config) -> dict[str, Any]:
  """Returns every setting that a result depends on, as its folder's list keeps them."""
  names = ("plain", "tables", "sampling", "background", "metadata")
  settings = {name: getattr(config, name) for name in names}
  digest = ""
  if not config.plain:
    digest = outputs.digest(pathlib.Path(choices.path_of(config.model)).read_bytes())
  return {"target": list(config.target), "network": digest, **settings}


def _made(data, path, network, config, on_pixels):
  """Returns what compressing makes of the bytes of a file."""
  found = original.decode(data, path, int(config.max_megapixels * 1e6))
  pixels = found.samples.shape[0] * found.samples.shape[1]
  on_pixels(0)
  made = picture.compress_original(found, data, network, config)
  on_pixels(pixels)
  return result.Made(made.data, pixels, made.condition, made.notes, made.facts)


def serve() -> None:
  """Answers the requests of `runner.Apart` until they end."""
  runner.serve(compress_config.CompressConfig, load)
