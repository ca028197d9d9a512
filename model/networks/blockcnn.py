"""BlockCNN: a block and its eight neighbours in, the restored block out.

D. Maleki, S. Nadalian, M. M. Derakhshani, M. A. Sadeghi, "BlockCNN: A Deep Network for Artifact
Removal and Image Compression", CVPR Workshops 2018, arXiv 1805.11091.

The authors' code (DaniMlk/BlockCNN, commit 8627580) holds the prediction branch only, which maps
16x24 to 12x12 pixels. Its trunk of width k = 64, every convolution but the last followed by batch
normalisation and LeakyReLU(0.1), none with a bias:

    3x5→k | B B | 3x5→2k | B | 1x5→4k | B B | 1x1→8k | B | 1x1→4k | B | 1x1→2k | B | 1x1→k | B |
    1x1→3 | sigmoid                                                    (B: blocks.Bottleneck)

The branch for artifact removal takes 24x24 pixels. Our reading: its three unpadded convolutions are
5x5 (24→20→16→12), and the block is the centre of the remaining 12x12.

Deviations, all off with `residual=False`. The network predicts a residual, which is added to the
JPEG's pixels; the published head is a sigmoid. Its last layer starts at zero, so that an untrained
network returns the JPEG's block. He initialisation replaces N(0, 0.02). The bottlenecks start
closed; otherwise so deep a network learns almost nothing in its first hundreds of steps. The head's
output is scaled by 1/20, about the size of a JPEG's error: Adam's steps would be large beside it.
"""

import keras

from deblock.model.networks import blocks, config, plain

PAPER_WIDTH = 64
REMOVAL_KERNELS = ((5, 5), (5, 5), (5, 5))
RESIDUAL_SCALE = 0.05


def _unit(features, channels, kernel_size, initializer, name, dtype=None):
  features = keras.layers.Conv2D(
    channels,
    kernel_size,
    use_bias=False,
    kernel_initializer=initializer.clone(),
    dtype=dtype,
    name=f"{name}_convolution",
  )(features)
  features = blocks.batch_normalization(name=f"{name}_normalization")(features)
  return keras.layers.LeakyReLU(blocks.LEAKY_SLOPE, name=f"{name}_activation")(features)


def trunk(images, width, kernels, padding, initializer, starts_closed):
  """Returns the features before the head, float [B, h, w, width].

  Args:
    images: float [B, H, W, C] in [0, 1], a symbolic Keras tensor.
    width: k of the table above.
    kernels: sizes of the three spatial convolutions between the bottlenecks.
    padding: "same" or "valid", of the bottlenecks' 3x3 convolutions.
    initializer: of every kernel.
    starts_closed: whether the bottlenecks start as the identity.
  """
  features = images
  stages = (
    (width, kernels[0], 2),
    (2 * width, kernels[1], 1),
    (4 * width, kernels[2], 2),
    (8 * width, 1, 1),
    (4 * width, 1, 1),
    (2 * width, 1, 1),
    (width, 1, 1),
  )
  for stage, (channels, kernel_size, bottlenecks) in enumerate(stages, start=1):
    # Pixels in float32 under mixed precision too: bfloat16 would round them to half a level.
    dtype = "float32" if stage == 1 else None
    features = _unit(features, channels, kernel_size, initializer, f"stage{stage}", dtype)
    for index in range(1, bottlenecks + 1):
      features = blocks.Bottleneck(
        padding=padding,
        kernel_initializer=initializer.clone(),
        starts_closed=starts_closed,
        name=f"stage{stage}_bottleneck{index}",
      )(features)
  return features


def _removal(name, width, residual, padding, context, condition):
  width = width or PAPER_WIDTH
  initializer = keras.initializers.HeNormal() if residual else blocks.published_initializer()
  began = plain.start(condition=condition)
  features = trunk(began.features, width, REMOVAL_KERNELS, padding, initializer, residual)
  reach = 6 if padding == "same" else 15  # Pixels a side that the unpadded convolutions took.
  if context > reach:
    features = blocks.CenterCrop(context - reach, name="block")(features)
  head = keras.layers.Conv2D(
    3,
    1,
    use_bias=False,
    kernel_initializer="zeros" if residual else initializer.clone(),
    activation=None if residual else "sigmoid",
    dtype="float32",
    name="head",
  )(features)
  if residual:
    head = keras.layers.Rescaling(RESIDUAL_SCALE, dtype="float32", name="residual")(head)
    center = blocks.CenterCrop(context, dtype="float32", name="compressed_block")(began.compressed)
    head = keras.layers.Add(dtype="float32", name="restored")([center, head])
  return keras.Model(began.inputs, head, name=name)


def blockcnn(width=0, residual=True, condition=config.NONE):
  """Returns BlockCNN for artifact removal, as published except for the deviations above.

  The network is meant for 24x24 neighbourhoods, float32 [B, 24, 24, 3] in [0, 1] to [B, 8, 8, 3].
  It takes larger crops, [B, H, W, 3] to [B, H - 16, W - 16, 3], but is another function there:
  the zeros that pad its bottlenecks move with the border.

  Args:
    width: k; 0 is the paper's 64, with 6.9 M parameters in this branch.
    residual: whether the JPEG's pixels are added to the output, which is then unbounded.
    condition: its input about the JPEG; unless "none", it takes [image, tables], and the JPEG's
      blocks start at the first pixel.
  """
  return _removal("blockcnn", width, residual, "same", 8, condition)


def blockcnn_fc(width=0, residual=True, condition=config.NONE):
  """Returns BlockCNN's trunk without any padding, the same function on a block and on an image.

  Float32 [B, H, W, 3] in [0, 1] to [B, H - 32, W - 32, 3]. The bottlenecks' 3x3 convolutions are
  unpadded too, which removes 15 pixels a side: an 8x8 block depends on 38x38 pixels. The 16th pixel
  keeps crops on the JPEG's grid. Not in the paper; it restores a whole image at once.

  Args:
    width: as in `blockcnn`.
    residual: as in `blockcnn`.
    condition: as in `blockcnn`.
  """
  return _removal("blockcnn_fc", width, residual, "valid", 16, condition)
