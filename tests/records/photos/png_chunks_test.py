import io
import struct
import zlib

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deblock.records.photos import png_chunks

_GAMMA_1 = (b"gAMA", struct.pack(">L", 100000))
_P3 = (b"cICP", bytes((12, 13, 0, 1)))


def _png(mode="RGB", size=(1, 1), chunks=()):
  buffer = io.BytesIO()
  Image.new(mode, size).save(buffer, "PNG")
  data = buffer.getvalue()
  made = (
    struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))
    for name, content in chunks
  )
  return data[:33] + b"".join(made) + data[33:]


@pytest.mark.parametrize("bands", [0, 3])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (130, 3), (65, 40)])
def test_16_bits_are_what_another_decoder_finds(bands, transparent, size):
  rng = np.random.default_rng(0)
  shape = (*size, bands) if bands else size
  # Smooth and noisy, so that every filter has its rows.
  samples = (rng.integers(0, 3000, shape).cumsum(axis=0)).astype(np.uint16)
  samples[::7] = rng.integers(0, 65536, samples[::7].shape)
  alpha = rng.integers(0, 256, size).astype(np.uint8) if transparent else None
  data = png_chunks.deepened(_png(chunks=(_GAMMA_1,)), samples, alpha)
  # It has no gray with transparency, and makes colour of it.
  channels = {(0, False): 1, (3, False): 3}.get((bands, transparent), 4)
  found = tf.io.decode_png(data, channels=channels, dtype=tf.uint16).numpy()
  np.testing.assert_array_equal(found[..., : bands or 1].reshape(shape), samples)
  if transparent:
    np.testing.assert_array_equal(found[..., -1], alpha.astype(np.uint16) * 257)
  assert png_chunks.colour(data) == (_GAMMA_1,)


def test_16_bits_take_no_more_room_than_by_another_encoder(photograph):
  samples = photograph(120, 160).astype(np.uint16) * 257 + 13
  ours = len(png_chunks.deepened(_png(), samples, None))
  assert ours < 1.1 * len(tf.io.encode_png(samples, compression=1).numpy())


def test_what_a_file_says_of_colour_is_found():
  assert png_chunks.colour(_png()) == ()
  assert png_chunks.colour(_png(chunks=(_P3, _GAMMA_1))) == (_P3, _GAMMA_1)
  assert png_chunks.colour(_png(chunks=(_P3,))[:40]) == ()


def test_what_means_srgb_is_known():
  plain = ((b"sRGB", b"\1"), (b"gAMA", struct.pack(">L", 45455)), (b"cICP", bytes((1, 13, 0, 1))))
  assert all(map(png_chunks.is_srgb, plain))
  assert not any(map(png_chunks.is_srgb, (_P3, _GAMMA_1)))
