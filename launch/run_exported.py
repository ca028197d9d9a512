"""Trains with the program of deblock-export-step, on any device of JAX.

    python run_exported.py --programs=DIR --images=FOLDER --output=DIR --minutes=10

Needs jax, numpy and pillow, but neither TensorFlow nor deblock. The device holds all images; each
step cuts its crops there. The result is averages.npz, which `deblock.model.pretrained.save` turns
into pretrained weights. A run that was stopped resumes from state.npz.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import gzip
import json
import math
import os
import pathlib
import time

import jax
from jax import export
from jax.extend.mlir.dialects import stablehlo
import jax.numpy as jnp
import numpy as np
from PIL import Image

SHIFT = 8  # Crops are cut larger by this: room for the second grid of a JPEG of a JPEG.
SETTINGS = 4  # Scalar arguments at the end of the program: number, rate, decay, logarithmic.
WARM_STEPS = 20  # Steps before the clock starts: they compile.
LOG_SECONDS = 20.0
# Shares of the crops.
UNTOUCHED, GRAY, OTHER_CHROMA, FLAT_TABLES = 0.02, 0.08, 0.15, 0.15


def load_program(path, arguments, states):
  """Returns a StableHLO program as a function of a list of arrays to one.

  JAX makes such functions of exported ones only. So a placeholder of the same arguments and results
  is exported, and its program is replaced.

  Args:
    path: of the program, compressed text.
    arguments: arrays, or their shapes and types, in the order of the program.
    states: number of leading arguments that are also the leading results; three float32 scalars
      follow them.
  """
  with gzip.open(path, "rt") as stream:
    program = stablehlo.serialize_portable_artifact_str(
      stream.read(), stablehlo.get_current_version()
    )

  def placeholder(*arguments):
    return [*arguments[:states], *(jnp.zeros(()) for _ in range(3))]

  shapes = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arguments]
  exported = export.export(jax.jit(placeholder, keep_unused=True))(*shapes)
  exported = dataclasses.replace(exported, mlir_module_serialized=program)
  run = jax.jit(exported.call)
  return lambda arguments: run(*arguments)


def read_images(folder):
  """Returns all images of a folder, padded with zeros, uint8 [N, H, W, 3], and their sizes."""
  suffixes = (".webp", ".png")
  paths = sorted(path for path in pathlib.Path(folder).iterdir() if path.suffix in suffixes)
  if not paths:
    raise SystemExit(f"--images={folder} holds no {' or '.join(suffixes)} file.")
  with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = list(pool.map(lambda path: np.asarray(Image.open(path).convert("RGB")), paths))
  sizes = np.array([image.shape[:2] for image in found], np.int32)
  images = np.zeros((len(found), *sizes.max(0), 3), np.uint8)
  for index, image in enumerate(found):
    images[index, : image.shape[0], : image.shape[1]] = image
  return images, sizes


def qualities(key, count):
  """Returns qualities, half of them 5 to 50 and half 5 to 95, int32 [count]."""
  which, low, all_ = jax.random.split(key, 3)
  return jnp.where(
    jax.random.uniform(which, (count,)) < 0.5,
    jax.random.randint(low, (count,), 5, 51),
    jax.random.randint(all_, (count,), 5, 96),
  )


def draw_tables(key, every_table, count):
  """Returns quantisation steps, float32 [count, 2, 8, 8]: mostly IJG's.

  Some have another quality in chroma, within 20. Some are blended with a flat table of the same
  geometric mean, because other encoders' tables are flatter than IJG's.
  """
  quality_key, by_key, other_key, flat_key, blend_key = jax.random.split(key, 5)
  luma = qualities(quality_key, count)
  moved = jnp.clip(luma + jax.random.randint(by_key, (count,), -20, 21), 5, 95)
  colour = jnp.where(jax.random.uniform(other_key, (count,)) < OTHER_CHROMA, moved, luma)
  tables = jnp.stack([every_table[luma][:, 0], every_table[colour][:, 1]], 1)
  flat = jnp.exp(jnp.log(tables).mean((2, 3), keepdims=True))
  chosen = jax.random.uniform(flat_key, (count,)) < FLAT_TABLES
  blend = jnp.where(chosen, jax.random.uniform(blend_key, (count,)), 0.0)[:, None, None, None]
  return jnp.clip(jnp.round(tables ** (1 - blend) * flat**blend), 1, 255)


def draw_crop(key, images, sizes, side):
  """Returns a crop, uint8 [side, side, 3], at a uniform place, in one of eight orientations."""
  image_key, place_key, turn_key = jax.random.split(key, 3)
  index = jax.random.categorical(image_key, jnp.log(sizes.prod(1).astype(jnp.float32)))
  places = (sizes[index] - side + 1).astype(jnp.float32)
  top, left = (jax.random.uniform(place_key, (2,)) * places).astype(jnp.int32)
  crop = jax.lax.dynamic_slice(images, (index, top, left, 0), (1, side, side, 3))[0]
  mirror, flip, transpose = jax.random.bernoulli(turn_key, 0.5, (3,))
  crop = jnp.where(mirror, crop[::-1], crop)
  crop = jnp.where(flip, crop[:, ::-1], crop)
  return jnp.where(transpose, crop.transpose(1, 0, 2), crop)


def sampler(images, sizes, every_table, layout, seed):
  """Returns the function of a step's number to its crops, in the order of `portable_step.Crops`."""
  batch, twice = layout["batch_size"], layout["twice"]
  side = layout["crop_size"] + SHIFT
  if (sizes < side).any():
    raise SystemExit(f"every image must have at least {side} pixels a side, got {sizes.min()}.")
  cut = functools.partial(
    draw_crop, images=jnp.asarray(images), sizes=jnp.asarray(sizes), side=side
  )

  @jax.jit
  def sample(number):
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), number), 6)
    return (
      jax.vmap(cut)(jax.random.split(keys[0], batch)),
      draw_tables(keys[1], every_table, batch),
      draw_tables(keys[2], every_table, twice),
      jax.random.randint(keys[5], (twice, 2), 0, SHIFT),
      (jax.random.uniform(keys[3], (batch,)) < UNTOUCHED).astype(jnp.float32),
      (jax.random.uniform(keys[4], (batch,)) < GRAY).astype(jnp.float32),
    )

  return sample


def save(path, arrays):
  """Writes arrays by name under a temporary name first."""
  temporary = path.with_suffix(".tmp.npz")
  np.savez(
    temporary, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()}
  )
  temporary.replace(path)


def train(options):
  """Trains until the time is over, or the weights are not finite."""
  programs, output = pathlib.Path(options.programs), pathlib.Path(options.output)
  output.mkdir(parents=True, exist_ok=True)
  device = jax.devices()[0]
  layout = json.loads((programs / "layout.json").read_text())["layout"]
  initial = np.load(programs / "initial.npz")
  names = initial.files
  state_file = output / "state.npz"
  if state_file.exists():
    stored = np.load(state_file)
    state = [stored[str(index)] for index in range(4 * len(names))]
    number, before = int(stored["number"]), float(stored["seconds"])
  else:
    weights = [initial[name].astype(np.float32) for name in names]
    zeros = [np.zeros_like(weight) for weight in weights]
    state, number, before = [*weights, *zeros, *zeros, *weights], 0, 0.0
  state = [jax.device_put(array, device) for array in state]
  every_table = jnp.asarray(np.load(programs / "tables.npy"), jnp.float32)
  images, sizes = read_images(options.images)
  sample = sampler(images, sizes, every_table, layout, options.seed)
  scalars = [np.float32(0.0)] * SETTINGS
  step = load_program(programs / "step.mlir.gz", [*state, *sample(0), *scalars], len(state))
  allowed = 60.0 * options.minutes

  def keep(seconds):
    # Weights that are not finite never replace finite ones.
    if not all(np.isfinite(np.asarray(array)).all() for array in state):
      raise SystemExit(f"the weights are not finite at step {number}; {state_file} is from before.")
    numbered = {str(index): array for index, array in enumerate(state)}
    save(state_file, {**numbered, "number": number, "seconds": seconds})
    save(output / "averages.npz", dict(zip(names, state[3 * len(names) :], strict=True)))

  began, first, logged, gains = None, number, time.monotonic(), []
  while True:
    if number - first == WARM_STEPS:
      jax.block_until_ready(state)
      began = time.monotonic()
    seconds = before if began is None else before + time.monotonic() - began
    if seconds >= allowed:
      break
    done = seconds / allowed
    rate = options.learning_rate * min(1.0, (number + 1) / options.warmup_steps)
    rate *= 0.5 + 0.5 * math.cos(math.pi * done)
    decay = min(0.999, (number + 1) / (number + 10))
    logarithmic = float(done >= options.logarithmic_from)
    settings = [np.float32(value) for value in (number + 1, rate, decay, logarithmic)]
    results = step([*state, *sample(number), *(jax.device_put(s, device) for s in settings)])
    state, (loss, gain, norm) = results[: len(state)], results[len(state) :]
    number += 1
    if number % 50 == 0:
      gains.append(float(gain))
    if time.monotonic() - logged > LOG_SECONDS:
      logged = time.monotonic()
      recent = float(np.mean(gains[-20:])) if gains else math.nan
      print(
        f"step {number}: {seconds:.0f} of {allowed:.0f} s, rate {rate:.6f}, "
        f"loss {float(loss):.4f}, norm {float(norm):.3f}, gain of crops {recent:+.3f} dB",
        flush=True,
      )
      keep(seconds)
  keep(seconds)
  print(f"averages: {output}/averages.npz after {number} steps")


def run():
  """Entry point of the console script."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--programs", required=True, help="folder that deblock-export-step wrote")
  parser.add_argument("--images", required=True, help="folder of clean images")
  parser.add_argument("--output", required=True, help="folder of the run")
  parser.add_argument("--minutes", type=float, default=10.0, help="training time in all")
  parser.add_argument("--learning_rate", type=float, default=2e-3, help="at its highest")
  parser.add_argument("--warmup_steps", type=int, default=500)
  parser.add_argument(
    "--logarithmic_from",
    type=float,
    default=0.8,
    help="share of the time from which on the loss is the logarithm of the squared error",
  )
  parser.add_argument("--seed", type=int, default=0)
  train(parser.parse_args())


if __name__ == "__main__":
  run()
