"""deblocknet: this project's own network for whole images, conditioned on the quantisation tables.

Residual units of dense convolutions at half the image's resolution, w channels wide:

    s2d 2 | 3x3→w | + phase | U U U U U U | 3x3→12, from zero | d2s 2 | + compressed

and, in the small one, some of them at a quarter of it, v channels wide:

    s2d 2 | 3x3→w | + phase | U | 2x2, stride 2→v | U U U | 1x1→4w | d2s 2 | + before | U | 3x3→12…

    U: 3x3, an affine change of each channel by the tables, ReLU, 3x3, + identity
    s2d, d2s: space to depth and back

JPEG's errors are spread over blocks of 8x8 pixels, in chroma of 16x16, so half resolution is fine
enough. A CPU runs dense convolutions at twice the speed of depth-wise ones, gates or normalisation.
The tables as input are Ehrlich et al., "Quantization Guided JPEG Artifact Correction", ECCV 2020;
their use as a scale and a shift of each channel is FBCNN's (Jiang et al., ICCV 2021, eq. 3). A
learned map gives the place of a pixel in its block, BlockCNN's reason to work block by
block (Maleki et al. 2018, section 3).
"""

import keras

from deblock.model.networks import blocks, conditioning

WIDTH, UNITS = 64, 6
FAST_WIDTH, FAST_UNITS, FAST_DEEP_WIDTH, FAST_DEEP_UNITS = 24, 1, 60, 3
RESIDUAL_SCALE = 0.1  # About the size of a JPEG's error at low quality.


def _convolution(channels, kernel_size, name, gain=1.0, **options):
  return keras.layers.Conv2D(
    channels,
    kernel_size,
    padding="same",
    kernel_initializer=keras.initializers.VarianceScaling(gain, "fan_in"),
    name=name,
    **options,
  )


def _unit(features, embedding, name):
  channels = features.shape[-1]
  hidden = _convolution(channels, 3, f"{name}_first", gain=2.0)(features)
  hidden = conditioning.Modulation(name=f"{name}_modulation")([hidden, embedding])
  hidden = keras.layers.ReLU(name=f"{name}_activation")(hidden)
  # Branches start small: larger ones diverge at a learning rate of 1e-3.
  hidden = _convolution(channels, 3, f"{name}_second", gain=0.02)(hidden)
  return keras.layers.Add(name=name)([features, hidden])


def _units(features, embedding, count, name):
  for index in range(1, count + 1):
    features = _unit(features, embedding, f"{name}{index}")
  return features


def _start(width):
  compressed = keras.Input((None, None, 3), name="compressed")
  tables = keras.Input((2, 8, 8), name="tables")
  embedding = conditioning.TableEmbedding(dtype="float32", name="embedding")(tables)
  # In float32 under mixed precision too: bfloat16 would round pixels to half a level.
  features = keras.layers.Rescaling(2.0, -1.0, dtype="float32", name="centred")(compressed)
  features = blocks.PadToMultiple(8, dtype="float32", name="whole_blocks")(features)
  features = blocks.SpaceToDepth(2, dtype="float32", name="halved")(features)
  features = _convolution(width, 3, "stem", dtype="float32")(features)
  features = conditioning.BlockPhase(4, dtype="float32", name="phase")(features)
  return compressed, tables, embedding, features


def _finish(name, compressed, tables, features):
  head = keras.layers.Conv2D(
    12, 3, padding="same", kernel_initializer="zeros", dtype="float32", name="head"
  )
  residual = blocks.DepthToSpace(2, dtype="float32", name="full")(head(features))
  residual = keras.layers.Rescaling(RESIDUAL_SCALE, dtype="float32", name="residual")(residual)
  residual = blocks.CropLike(dtype="float32", name="cropped")([residual, compressed])
  restored = keras.layers.Add(dtype="float32", name="restored")([compressed, residual])
  return keras.Model([compressed, tables], restored, name=name)


def _check(name, residual):
  if not residual:
    raise ValueError(f"{name} has no form that predicts pixels: leave residual at true.")


def deblocknet(width=0, residual=True):
  """Returns the default network: 0.47 M parameters, 114 kMAC a pixel.

  Args:
    width: channels; 0 is 64.
    residual: must be true.
  Returns:
    A keras.Model of [compressed, tables], float32 [B, H, W, 3] in [0, 1] and float32 [B, 2, 8, 8]
    quantisation steps, to float32 [B, H, W, 3], unbounded, of any H and W. The JPEG's block
    grid starts at the first pixel. An untrained network returns the JPEG.
  Raises:
    ValueError: if `residual` is false.
  """
  _check("deblocknet", residual)
  compressed, tables, embedding, features = _start(width or WIDTH)
  features = _units(features, embedding, UNITS, "unit")
  return _finish("deblocknet", compressed, tables, features)


def deblocknet_fast(width=0, residual=True):
  """Returns the small network: 0.24 M parameters, 19 kMAC a pixel; all else as in `deblocknet`.

  Args:
    width: channels at half resolution; 0 is 24. At a quarter there are 2.5 times as many.
    residual: must be true.
  """
  _check("deblocknet_fast", residual)
  width = width or FAST_WIDTH
  deep_width = width * FAST_DEEP_WIDTH // FAST_WIDTH
  compressed, tables, embedding, features = _start(width)
  features = skipped = _units(features, embedding, FAST_UNITS, "encoder")
  features = _convolution(deep_width, 2, "down", strides=2)(features)
  features = _units(features, embedding, FAST_DEEP_UNITS, "deep")
  features = _convolution(4 * width, 1, "up")(features)
  features = blocks.DepthToSpace(2, name="doubled")(features)
  features = keras.layers.Add(name="joined")([skipped, features])
  features = _units(features, embedding, FAST_UNITS, "decoder")
  return _finish("deblocknet_fast", compressed, tables, features)
