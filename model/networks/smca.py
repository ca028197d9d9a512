"""SMCA: stacked stages, each with channel-wise attention over several contexts.

B. Li, J. Liang, Y. Wang, "Compression Artifact Removal with Stacked Multi-Context Channel-Wise
Attention Network", ICIP 2019. The paper's layers were not available to us: this is our reading of
its abstract, not its network. Features of several resolutions ("contexts") are weighted channel by
channel. Stages are stacked; each restores an image, and the loss is on every image; w = 32:

    stage: [compressed, image so far] | 3x3→w, ReLU | U U U U | 3x3→3, added to the image so far
    U: 3x3→w of dilation 1, 2 and 4 side by side, ReLU, joined: 3w | attention | 1x1→w | + identity
    attention: mean over the image | →3w/8, ReLU | →3w, sigmoid | times the 3w channels

Three stages. Squeeze-and-excitation (Hu et al., CVPR 2018) is our choice of attention. It takes the
mean over the whole input, so a restored pixel depends a little on how much of the image is the
input. Each stage's last layer starts at zero, so that every image starts as the JPEG.
"""

import keras

from deblock.model.networks import config, plain

WIDTH, STAGES, UNITS, DILATIONS, REDUCTION = 32, 3, 4, (1, 2, 4), 8
CONTEXT = 56  # Each stage reaches 1 + 4 * 4 + 1 pixels.


def _attention(features, initializer, name):
  channels = features.shape[-1]
  weights = keras.layers.GlobalAveragePooling2D(dtype="float32", name=f"{name}_mean")(features)
  for layer, size, activation in (
    ("squeeze", max(1, channels // REDUCTION), "relu"),
    ("excite", channels, "sigmoid"),
  ):
    weights = keras.layers.Dense(
      size,
      activation,
      kernel_initializer=initializer.clone(),
      dtype="float32",
      name=f"{name}_{layer}",
    )(weights)
  weights = keras.layers.Reshape((1, 1, channels), dtype="float32", name=f"{name}_weights")(weights)
  return keras.layers.Multiply(name=f"{name}_attention")([features, weights])


def _unit(features, initializer, name):
  contexts = []
  for dilation in DILATIONS:
    context = f"{name}_context{dilation}"
    hidden = plain.convolution(
      features, features.shape[-1], 3, initializer, context, dilation_rate=dilation
    )
    contexts.append(keras.layers.ReLU(name=f"{context}_activation")(hidden))
  joined = keras.layers.Concatenate(name=f"{name}_contexts")(contexts)
  attended = _attention(joined, keras.initializers.GlorotUniform(), name)
  # Branches start small, as in deblocknet: larger ones diverge at a learning rate of 1e-3.
  small = keras.initializers.VarianceScaling(0.02, "fan_in")
  hidden = plain.convolution(attended, features.shape[-1], 1, small, f"{name}_joined")
  return keras.layers.Add(name=name)([features, hidden])


def smca(width=0, residual=True, condition=config.NONE, channels=3):
  """Returns the network: 0.4 M parameters; its output is the last stage's image.

  Float32 [B, H, W, C] in [0, 1] to the same shape, unbounded. `stages` returns all stages' images.

  Args:
    width: w; 0 is 32.
    residual: must be true.
    condition: its input about the JPEG; unless "none", it takes [image, tables].
    channels: C.
  Raises:
    ValueError: if `residual` is false.
  """
  plain.require_residual("smca", residual)
  width = width or WIDTH
  initializer = keras.initializers.HeNormal()
  began = plain.start(channels, condition)
  restored = began.compressed
  for stage in range(1, STAGES + 1):
    name = f"stage{stage}"
    features = began.features
    if stage > 1:
      features = keras.layers.Concatenate(dtype="float32", name=f"{name}_images")(
        [features, restored]
      )
    features = plain.convolution(
      features, width, 3, initializer, f"{name}_stem", dtype="float32", activation="relu"
    )
    for unit in range(1, UNITS + 1):
      features = _unit(features, initializer, f"{name}_unit{unit}")
    head = plain.convolution(
      features, channels, 3, keras.initializers.Zeros(), f"{name}_head", dtype="float32"
    )
    restored = plain.added(restored, head, _restored(stage))
  return keras.Model(began.inputs, restored, name="smca")


def _restored(stage):
  return f"stage{stage}_restored"


def stages(network: keras.Model) -> keras.Model:
  """Returns the same network, weights and all, with a list of every stage's image as its output.

  The last one is the restored image.

  Args:
    network: made by `smca`, or loaded.
  """
  images = [network.get_layer(_restored(stage)).output for stage in range(1, STAGES + 1)]
  return keras.Model(network.input, images, name="smca_stages")


def objective(network: keras.Model):
  """Returns the objective: the mean of the stages' losses.

  The paper trains its stages progressively; equal weights are our reading.

  Args:
    network: made by `smca`.
  Returns:
    As `registry.image_loss`.
  """
  staged = stages(network)

  def run(inputs, quality, measure):
    del quality
    images = staged(inputs, training=True)
    return images[-1], sum(measure(image) for image in images) / len(images)

  return run
