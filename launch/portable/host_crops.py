"""Crops and their JPEGs, made by Pillow in processes of the host; needs numpy and pillow alone.

An accelerator learns faster than it compresses: fed with JPEGs, it computes the network only. The
damage is that of `device_crops` and `portable_step`: the same shares, other random numbers.
"""

import collections
import concurrent.futures
import io
import mmap
import multiprocessing
from typing import NamedTuple

import numpy as np
from PIL import Image

SHIFT = 8  # Pixels, excluded, between the grids of a JPEG of a JPEG.
UNTOUCHED, GRAY, OTHER_CHROMA, FLAT_TABLES = 0.02, 0.08, 0.15, 0.15
_LUMA = (0.299, 0.587, 0.114)
_SLOTS_PER_WORKER = 3


class Batch(NamedTuple):
  """What a fed step learns from, in the order of `portable_step.Fed`.

  Attributes:
    jpeg: uint8 [B, P, P, 3].
    clean: uint8, same shape.
    tables: float32 [B, 2, 8, 8], quantisation steps of the JPEGs.
    untouched: float32 [B], 1 where the crop is not compressed and the steps are 1.
  """

  jpeg: np.ndarray
  clean: np.ndarray
  tables: np.ndarray
  untouched: np.ndarray


class Source(NamedTuple):
  """What batches are made of.

  Attributes:
    images: uint8 [N, H, W, 3], padded.
    sizes: int [N, 2], rows and columns of each.
    every_table: [101, 2, 8, 8], IJG's steps by quality.
    layout: "crop_size", "batch_size", "full_chroma" and "twice", as `settings.Layout`.
    seed: of every random number.
  """

  images: np.ndarray
  sizes: np.ndarray
  every_table: np.ndarray
  layout: dict
  seed: int


def empty(layout) -> Batch:
  """Returns a batch of zeros."""
  count, side = layout["batch_size"], layout["crop_size"]
  images = np.zeros((count, side, side, 3), np.uint8)
  steps = np.ones((count, 2, 8, 8), np.float32)
  return Batch(images, images.copy(), steps, np.zeros(count, np.float32))


def draw_tables(random, every_table):
  """Returns quantisation steps, int [2, 8, 8]: mostly IJG's.

  Some have another quality in chroma, within 20. Some are blended with a flat table of the same
  geometric mean, because other encoders' tables are flatter than IJG's.
  """
  luma = chroma = random.integers(5, 51) if random.random() < 0.5 else random.integers(5, 96)
  if random.random() < OTHER_CHROMA:
    chroma = np.clip(luma + random.integers(-20, 21), 5, 95)
  tables = np.stack([every_table[luma, 0], every_table[chroma, 1]]).astype(np.float64)
  if random.random() < FLAT_TABLES:
    blend = random.random()
    tables = tables ** (1 - blend) * np.exp(np.log(tables).mean((1, 2), keepdims=True)) ** blend
  return np.clip(np.rint(tables), 1, 255).astype(int)


def compress(image, tables, subsampling):
  """Returns the decoded JPEG of an image, uint8 [H, W, 3].

  Args:
    image: uint8 [H, W, 3].
    tables: int [2, 8, 8], quantisation steps.
    subsampling: "4:2:0" or "4:4:4".
  """
  buffer = io.BytesIO()
  steps = tables.reshape(2, 64).tolist()
  Image.fromarray(image).save(buffer, "JPEG", qtables=steps, subsampling=subsampling)
  return np.asarray(Image.open(buffer))


def _crop(random, source, side):
  """Returns a crop, uint8 [side, side, 3], at a uniform place, in one of eight orientations."""
  areas = source.sizes.prod(1, dtype=np.float64)
  index = random.choice(len(areas), p=areas / areas.sum())
  top, left = (random.integers(0, size - side + 1) for size in source.sizes[index])
  crop = source.images[index, top : top + side, left : left + side]
  if random.random() < 0.5:
    crop = crop[::-1]
  if random.random() < 0.5:
    crop = crop[:, ::-1]
  return np.ascontiguousarray(crop.transpose(1, 0, 2) if random.random() < 0.5 else crop)


def fill(source: Source, number: int, batch: Batch) -> None:
  """Writes batch `number` of a source into arrays; it depends on nothing else."""
  random = np.random.default_rng((source.seed, number))
  layout = source.layout
  side, count = layout["crop_size"], layout["batch_size"]
  once = count - layout["twice"]
  for place in range(count):
    crop = _crop(random, source, side + SHIFT)
    if random.random() < GRAY:
      crop = np.repeat(np.rint(crop @ np.array(_LUMA)).astype(np.uint8)[..., None], 3, 2)
    tables = draw_tables(random, source.every_table)
    top, left = random.integers(0, SHIFT, 2) if place >= once else (0, 0)
    window = (slice(top, top + side), slice(left, left + side))
    clean, before = crop[window], crop
    batch.clean[place] = clean
    batch.untouched[place] = random.random() < UNTOUCHED
    if batch.untouched[place]:
      batch.jpeg[place], batch.tables[place] = clean, 1.0
      continue
    if place >= once:
      before = compress(crop, draw_tables(random, source.every_table), "4:2:0")
    full = once - layout["full_chroma"] <= place < once
    shown = np.ascontiguousarray(before[window])
    batch.jpeg[place] = compress(shown, tables, "4:4:4" if full else "4:2:0")
    batch.tables[place] = tables


class Feed:
  """The batches of a source from one on, made ahead by processes.

  Make it before JAX finds its devices: the processes are forked.

  Args:
    source: of the batches.
    first: number of the first batch.
    workers: processes.
  """

  def __init__(self, source: Source, first: int, workers: int):
    self._source = source
    self._next = first
    self._slots = [_shared(source.layout) for _ in range(_SLOTS_PER_WORKER * workers)]
    _FORKED[id(self)] = (source, self._slots)
    context = multiprocessing.get_context("fork")
    self._pool = concurrent.futures.ProcessPoolExecutor(workers, mp_context=context)
    self._waiting: collections.deque = collections.deque()
    for slot in range(len(self._slots)):
      self._ask(slot)

  def __next__(self) -> Batch:
    """Returns the next batch; waits for it if need be."""
    slot, done = self._waiting.popleft()
    done.result()
    # The slot is filled again while the accelerator still reads the batch.
    batch = Batch(*(array.copy() for array in self._slots[slot]))
    self._ask(slot)
    return batch

  def close(self):
    """Ends the processes."""
    self._pool.shutdown(cancel_futures=True)
    del _FORKED[id(self)]

  def _ask(self, slot):
    self._waiting.append((slot, self._pool.submit(_fill_slot, id(self), slot, self._next)))
    self._next += 1


# What forked processes inherit, by the feed.
_FORKED: dict[int, tuple[Source, list[Batch]]] = {}


def _fill_slot(feed, slot, number):
  source, slots = _FORKED[feed]
  fill(source, number, slots[slot])


def _shared(layout):
  """Returns a batch in memory that forked processes share."""
  return Batch(
    *(
      np.frombuffer(mmap.mmap(-1, array.nbytes), array.dtype).reshape(array.shape)
      for array in empty(layout)
    )
  )
