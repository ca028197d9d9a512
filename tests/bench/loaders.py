"""Three other ways to make pairs of crops, to compare the input pipeline with.

They use OpenCV and simplejpeg, which this project does not need (pip install opencv-python-headless
simplejpeg). Without them Pillow and TensorFlow's operations are used.
"""

import importlib
import io
import time

import numpy as np
from PIL import Image

CROP = 96
BATCH = 16


def optional(name):
  """Returns a module, or None where it is not installed."""
  try:
    return importlib.import_module(name)
  except ImportError:
    return None


cv2, simplejpeg = optional("cv2"), optional("simplejpeg")


def codecs():
  """Returns the libraries in use, for the first line of the report."""
  kair = f"OpenCV {cv2.__version__}" if cv2 else "Pillow (slower: install opencv-python-headless)"
  bare = (
    f"simplejpeg {simplejpeg.__version__}"
    if simplejpeg
    else "TensorFlow's libjpeg, one crop a call (slower: install simplejpeg)"
  )
  return f"KAIR's loop: {kair}; bare libjpeg-turbo: {bare}"


def fbcnn_qualities(rng, count):
  """Returns qualities as FBCNN's training draws them, all at once to save time."""
  tens, even = 10 * rng.integers(1, 7, count), rng.integers(8, 97, count)
  return np.where(rng.random(count) < 0.75, tens, even).tolist()


def kair_batches(paths, seed=0):
  """Yields batches as KAIR's JPEG dataset class makes them, float32 [16, 3, 96, 96], clean second.

  Every crop opens and decodes a whole PNG.
  """
  rng = np.random.default_rng(seed)
  while True:
    pairs = [_kair_pair(paths[rng.integers(len(paths))], rng) for _ in range(BATCH)]
    yield tuple(np.stack(images) for images in zip(*pairs, strict=True))


def _kair_pair(path, rng):
  image = _read(path)
  side = CROP + 8
  top, left = (rng.integers(0, length - side + 1) for length in image.shape[:2])
  clean = image[top : top + side, left : left + side]
  clean = np.rot90(clean, rng.integers(4))
  if rng.integers(2):
    clean = np.flipud(clean)
  compressed = _round_trip(np.ascontiguousarray(clean), *fbcnn_qualities(rng, 1))
  top, left = (0, 0) if rng.integers(2) else rng.integers(0, 9, 2)
  window = np.s_[top : top + CROP, left : left + CROP]
  return tuple(
    np.ascontiguousarray(part[window].transpose(2, 0, 1)).astype(np.float32) / 255
    for part in (compressed, clean)
  )


def _read(path):
  if cv2:
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGR2RGB)
  return np.array(Image.open(path).convert("RGB"))


def _round_trip(image, quality):
  """Encodes and decodes as KAIR does, through OpenCV."""
  if cv2:
    _, stream = cv2.imencode(
      ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [int(cv2.IMWRITE_JPEG_QUALITY), quality]
    )
    return cv2.cvtColor(cv2.imdecode(stream, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, "JPEG", quality=quality)
  return np.array(Image.open(buffer))


def encode(crop, quality):
  """Returns the JPEG stream of a crop, 4:2:0, by libjpeg-turbo alone."""
  if simplejpeg:
    return simplejpeg.encode_jpeg(crop, quality, colorspace="RGB", colorsubsampling="420")
  import tensorflow as tf

  return tf.raw_ops.EncodeJpegVariableQuality(images=crop, quality=quality)


def decode(stream):
  """Returns the pixels of a JPEG stream, uint8, by libjpeg-turbo alone."""
  if simplejpeg:
    return simplejpeg.decode_jpeg(stream, fastdct=False, fastupsample=False)
  import tensorflow as tf

  return tf.io.decode_jpeg(stream, dct_method="INTEGER_ACCURATE").numpy()


def memory_batches(images, seed=0):
  """Yields batches of uint8 [16, 96, 96, 3] from images held in memory, tuned by hand."""
  rng = np.random.default_rng(seed)
  while True:
    compressed = np.empty((BATCH, CROP, CROP, 3), np.uint8)
    clean = np.empty_like(compressed)
    # All random numbers of a batch at once: a draw takes longer than a crop.
    which = rng.integers(len(images), size=BATCH)
    places = rng.random((BATCH, 2))
    turns = rng.integers(8, size=BATCH)
    qualities = fbcnn_qualities(rng, BATCH)
    for row in range(BATCH):
      image = images[which[row]]
      top = int(places[row, 0] * (image.shape[0] - CROP + 1))
      left = int(places[row, 1] * (image.shape[1] - CROP + 1))
      crop = image[top : top + CROP, left : left + CROP]
      crop = crop[:: 1 - 2 * (turns[row] & 1), :: 1 - (turns[row] & 2)]
      clean[row] = crop.swapaxes(0, 1) if turns[row] & 4 else crop
      compressed[row] = decode(encode(clean[row], qualities[row]))
    yield compressed, clean


def bare_batches(images, seed=0):
  """Yields an empty value after each 16 bare round trips of crops that were cut before."""
  rng = np.random.default_rng(seed)
  batch = next(memory_batches(images, seed))[1]
  crops = [np.ascontiguousarray(crop) for crop in batch]
  while True:
    for crop, quality in zip(crops, fbcnn_qualities(rng, BATCH), strict=True):
      decode(encode(crop, quality))
    yield None


def bare_split(images, seconds):
  """Returns the CPU microseconds that encoding and decoding a crop take, each alone."""
  rng = np.random.default_rng(0)
  crops = [np.ascontiguousarray(crop) for crop in next(memory_batches(images))[1]]
  qualities = fbcnn_qualities(rng, BATCH)
  streams = [encode(*pair) for pair in zip(crops, qualities, strict=True)]
  return tuple(
    _cpu_us(function, arguments, seconds)
    for function, arguments in (
      (encode, list(zip(crops, qualities, strict=True))),
      (decode, [(stream,) for stream in streams]),
    )
  )


def _cpu_us(function, arguments, seconds):
  began, calls, end = time.process_time(), 0, time.perf_counter() + seconds
  while time.perf_counter() < end:
    for given in arguments:
      function(*given)
    calls += len(arguments)
  return 1e6 * (time.process_time() - began) / calls
