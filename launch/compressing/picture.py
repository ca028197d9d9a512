"""One image as the smallest JPEG that reaches a target once it is restored.

import deblock

data = deblock.compress("photo.png", psnr=34.0)
"""

from collections.abc import Sequence
import os
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageColor

from deblock.launch.compressing import compress_config, families, ladder, search, trials
from deblock.launch.evaluation import measures
from deblock.launch.restoring import photograph
from deblock.model import tiling
from deblock.records.photos import jpeg_segments, original, saving
from deblock.records.photos import metadata as metadata_lib

# Of each measure, what a file may have beyond the target: half a rung to a rung.
_TOLERANCES = {"psnr": 0.02, "ssim": 0.0003, "ssimulacra2": 0.2}
# By how much it falls from a rung to the next, about, and a rung to begin with.
_SLOPES = {"psnr": -0.026, "ssim": -0.0002, "ssimulacra2": -0.15}
_GUESS = 512


class Compressed(NamedTuple):
  """What became of an image.

  Attributes:
    data: the JPEG.
    condition: what it reaches, for a log.
    notes: what could not be kept, a clause each.
    facts: the same as numbers and words.
  """

  data: bytes
  condition: str
  notes: tuple[str, ...]
  facts: dict[str, Any]


def compress(
  source: str | os.PathLike | bytes | np.ndarray | Image.Image,
  *,
  psnr: float = 0.0,
  ssim: float = 0.0,
  ssimulacra2: float = 0.0,
  max_bytes: int = 0,
  plain: bool = False,
  model: str = "default",
  tables: str = families.AUTO,
  sampling: str = families.AUTO,
  background: str = "",
) -> bytes:
  """Returns an image as the smallest JPEG that `restore` brings to a quality.

  Args:
    source: as `restore` takes it. What a file holds of metadata is kept.
    psnr: the RGB PSNR in dB to reach. Give one of these four.
    ssim: the SSIM to reach.
    ssimulacra2: the SSIMULACRA 2 to reach.
    max_bytes: the most bytes; the result has the best PSNR.
    plain: whether the JPEG must reach that as it is, not restored.
    model: network that will restore it.
    tables: family of quantisation tables, "ijg", "sloped" or "auto".
    sampling: of chroma, "420", "444" or "auto".
    background: colour that transparent images are laid on.
  Raises:
    ImageError: a ValueError that names the file and what is wrong with it.
    ValueError: if an argument is out of range, or the target cannot be reached.
  """
  config = compress_config.CompressConfig(
    out=os.curdir,
    psnr=psnr,
    ssim=ssim,
    ssimulacra2=ssimulacra2,
    bytes=str(max_bytes or ""),
    plain=plain,
    model=model,
    tables=tables,
    sampling=sampling,
    background=background,
  )
  found, data = photograph.opened(source)
  network = None if plain else photograph.shipped(model)
  return compress_original(found, data, network, config).data


def compress_original(
  found: original.Original,
  data: bytes,
  network: tiling.Tiled | None,
  config: compress_config.CompressConfig,
) -> Compressed:
  """Returns an image as a JPEG.

  Args:
    found: the image.
    data: of its file; b"" if it has none.
    network: that will restore it; None to measure files as they are.
    config: the target, and what to choose from.
  Raises:
    ValueError: if the image cannot be laid on a colour, is too small for the measure, is smaller as
      it is, or cannot reach the target.
  """
  target, notes = config.target, list(found.notes)
  is_jpeg = found.header is not None
  most_bytes = _most_bytes(target, is_jpeg, len(data))
  samples = _samples(found, config.background, notes)
  _check_size(samples, target.measure)
  metadata = found.metadata if config.metadata == "keep" else metadata_lib.Metadata()
  kinds = _kinds(config, samples)
  # What metadata add is the same at any quality.
  with_metadata, left_out = trials.encode(samples, kinds[0], _GUESS, metadata)
  overhead = len(with_metadata) - len(trials.encode(samples, kinds[0], _GUESS)[0])
  restore = trials.decoded if network is None else trials.restored_by(network)
  tried = trials.Trials(samples, restore, target.measure, overhead)
  if most_bytes is None:
    chosen = _fewest(kinds, tried, target, not is_jpeg)
  else:
    chosen = _best(kinds, tried, most_bytes)
  if chosen is None or (data and chosen.size >= len(data) and target.saving is None):
    return _as_it_is(found, data, chosen, config)
  made, _ = trials.encode(samples, chosen.kind, chosen.rung, metadata)
  if is_jpeg:
    notes.append("against the input, itself a JPEG")
  facts = _facts(chosen, made, data, samples, tried, target, config)
  return Compressed(made, _line(facts, target.measure, config), (*notes, *left_out), facts)


def _most_bytes(target, is_jpeg, bytes_before):
  """Returns the most bytes by the target; None if it is a quality."""
  if target.saving is None:
    return target.most_bytes
  if not is_jpeg:
    raise ValueError("is no JPEG, of whose bytes a share could be saved: use another target")
  return int(bytes_before * (1.0 - target.saving))


def _samples(found, background, notes):
  """Returns upright 8-bit samples without transparency."""
  samples = original.upright(found.samples, found.orientation)
  if samples.dtype == np.uint16:
    notes.append("16 bits became 8, as jpg has no more")
    samples = np.rint(samples / np.float32(257.0)).astype(np.uint8)
  alpha = None if found.alpha is None else original.upright(found.alpha, found.orientation)
  if alpha is not None and (alpha < 255).any():
    if not background:
      raise ValueError("has transparency, which jpg has not: name a colour, --background=white")
    notes.append(f"transparency laid on {background}")
    samples = saving.on_colour(samples, alpha, background)
  return np.ascontiguousarray(samples)


def _check_size(samples, measure):
  smallest = measures.MEASURES[measure].smallest_side
  if min(samples.shape[:2]) < smallest:
    height, width = samples.shape[:2]
    raise ValueError(
      f"is too small for {measure}: {width}x{height} pixels, at least {smallest} a side"
    )


def _kinds(config, samples) -> Sequence[trials.Kind]:
  """Returns the kinds to choose from, the likeliest first."""
  names = families.FAMILIES if config.tables == families.AUTO else (config.tables,)
  samplings = list(compress_config.SAMPLINGS.values())
  if samples.ndim == 2:
    samplings = ["4:4:4"]
  elif config.sampling != families.AUTO:
    samplings = [compress_config.SAMPLINGS[config.sampling]]
  return [trials.Kind(name, sampling) for name in names for sampling in samplings]


def _fewest(kinds, tried, target, must):
  measure = target.measure
  ladder_of = (ladder.LAST_RUNG, _GUESS, _SLOPES[measure])
  chosen = search.fewest_bytes(kinds, tried, target.quality, _TOLERANCES[measure], *ladder_of)
  # A JPEG reaches any quality as it is.
  if chosen is None and must:
    best = max((tried.quality(kind, 0), -tried.size(kind, 0)) for kind in kinds)
    raise ValueError(
      f"cannot reach {measure} {target.quality:g}: the best JPEG has {best[0]:.4g}, with "
      f"{-best[1]} bytes"
    )
  return chosen


def _best(kinds, tried, most_bytes):
  chosen = search.best_quality(kinds, tried, most_bytes, ladder.LAST_RUNG, _GUESS)
  if chosen is None:
    least = min(tried.size(kind, ladder.LAST_RUNG) for kind in kinds)
    raise ValueError(f"cannot have {most_bytes} bytes: the smallest JPEG has {least}")
  return chosen


def _as_it_is(found, data, chosen, config):
  """Returns the bytes of a JPEG that the result would not be smaller than."""
  if found.header is None:
    raise ValueError(
      f"is smaller as it is: {len(data)} bytes, and {chosen.size} as a JPEG that reaches the target"
    )
  kept = data
  if config.metadata == "strip":
    kept = jpeg_segments.stripped(found.data, found.orientation)
  line = f"{len(kept)} bytes, smaller as it is: the input's bytes are copied"
  return Compressed(kept, line, (), {"bytes_before": len(data), "bytes": len(kept)})


def _facts(chosen, made, data, samples, tried, target, config):
  plain = trials.measured(
    measures.MEASURES[target.measure].of,
    trials.decoded(tried.file(chosen.kind, chosen.rung)),
    samples,
  )
  return {
    "bytes_before": len(data),
    "bytes": len(made),
    "bits_per_pixel": round(8.0 * len(made) / (samples.shape[0] * samples.shape[1]), 4),
    "tables": chosen.kind.family,
    "first_step": round(2.0 ** (chosen.rung / ladder.RUNGS_PER_OCTAVE), 2),
    "sampling": "gray" if samples.ndim == 2 else chosen.kind.sampling,
    f"{target.measure}_as_it_is": round(plain, 4),
    f"{target.measure}_restored": None if config.plain else round(chosen.quality, 4),
    "encodes": tried.encoded,
    "restorations": 0 if config.plain else tried.restored,
  }


def _line(facts, measure, config):
  shown = measures.MEASURES[measure]
  unit = f" {shown.unit}" if shown.unit else ""
  plain = f"{facts[f'{measure}_as_it_is']:.{shown.decimals}f}{unit}"
  reached = f"{shown.title} {plain}"
  if not config.plain:
    restored = f"{facts[f'{measure}_restored']:.{shown.decimals}f}{unit}"
    reached = f"{shown.title} {restored} restored, {plain} as it is"
  return (
    f"{facts['bytes']} bytes, {facts['bits_per_pixel']:.2f} bits a pixel, {reached}, "
    f"{facts['tables']} tables from {facts['first_step']:.0f}, {facts['sampling']}"
  )


def check_background(colour: str) -> str:
  """Returns the name of a colour after checking it; "" is none.

  Raises:
    ValueError: if Pillow knows no such colour.
  """
  try:
    if colour:
      ImageColor.getrgb(colour)
  except ValueError:
    raise ValueError(
      f"background must be a colour such as white or #808080, got {colour!r}."
    ) from None
  return colour
