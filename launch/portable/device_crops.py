"""Crops and their tables, drawn on an accelerator by JAX; needs jax, numpy and pillow."""

import concurrent.futures
import functools
import os
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

SHIFT = 8  # Crops are cut larger by this: room for the second grid of a JPEG of a JPEG.
# Shares of the crops.
UNTOUCHED, GRAY, OTHER_CHROMA, FLAT_TABLES = 0.02, 0.08, 0.15, 0.15


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
  every_table = jnp.asarray(every_table, jnp.float32)
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
