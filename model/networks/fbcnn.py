"""FBCNN: a blind network that estimates the quality, and has a dial for it.

J. Jiang, K. Zhang, R. Timofte, "Towards Flexible Blind JPEG Artifacts Removal", ICCV 2021, and the
authors' code (jiaxi-jiang/FBCNN, network_fbcnn.py); w = 64, h = 8w:

    3x3→w | 4 R | ↓2w | 4 R | ↓4w | 4 R | ↓8w | 4 R | 4 R | + | ↑4w | 4 Q | + | ↑2w | 4 Q | + |
    ↑w | 4 Q | + | 3x3→out
    R: 3x3, ReLU, 3x3, + identity          ↓: 2x2 of stride 2      ↑: its transpose
    Q: as R, with the branch times gamma plus beta (eq. 3)         +: the encoder's features added
    quality, from the first four R of 8w: 4 R | mean over the image | →h, ReLU | →h, ReLU | →1,
    sigmoid
    gamma and beta of each scale: quality | →h | →h | →h, all ReLU; then sigmoid, and tanh

The quality is predicted, and dialled, as 1 - quality / 100. 71 921 796 parameters in colour; with
`width` 16 a sixteenth of that. Trained by the L1 loss of the image and, in the published options,
0.001 times the quality's. The quality is a mean over the whole input, so a restored pixel depends a
little on how much of the image is the input.

Deviations: He initialisation, with small residual branches, in place of orthogonal kernels of gain
0.2. Off with `residual=False`: the JPEG's pixels are added to the output, scaled by 1/10, and the
last layer starts at zero, so that the network starts as the identity.
"""

import keras
import tensorflow as tf

from deblock.model.networks import plain

PAPER_WIDTH, UNITS, SCALES = 64, 4, 4
CONTEXT = 256  # Convolutions reach 249 pixels; pixels at an eighth count as 8.
QUALITY_WEIGHT = 0.001
_STRENGTH = "strength"  # 1 - quality / 100


def _unit(features, name, modulation=None):
  channels = features.shape[-1]
  initializer = keras.initializers.HeNormal()
  hidden = plain.convolution(features, channels, 3, initializer, f"{name}_first")
  hidden = keras.layers.ReLU(name=f"{name}_activation")(hidden)
  small = keras.initializers.VarianceScaling(0.02, "fan_in")
  hidden = plain.convolution(hidden, channels, 3, small, f"{name}_second")
  if modulation is not None:
    gamma, beta = modulation
    hidden = keras.layers.Multiply(name=f"{name}_scaled")([hidden, gamma])
    hidden = keras.layers.Add(name=f"{name}_shifted")([hidden, beta])
  return keras.layers.Add(name=name)([features, hidden])


def _units(features, name, modulation=None):
  for index in range(1, UNITS + 1):
    features = _unit(features, f"{name}_unit{index}", modulation)
  return features


def _dense(vector, size, activation, name):
  initializer = keras.initializers.HeNormal() if activation == "relu" else "glorot_uniform"
  return keras.layers.Dense(
    size, activation, kernel_initializer=initializer, dtype="float32", name=name
  )(vector)


def _predicted(features, size):
  features = _units(features, "prediction")
  vector = keras.layers.GlobalAveragePooling2D(dtype="float32", name="prediction_mean")(features)
  for index in (1, 2):
    vector = _dense(vector, size, "relu", f"prediction_dense{index}")
  return _dense(vector, 1, "sigmoid", _STRENGTH)


def _modulation(embedding, channels, scale):
  parts = []
  for name, activation in (("gamma", "sigmoid"), ("beta", "tanh")):
    vector = _dense(embedding, channels, activation, f"{name}{scale}")
    parts.append(keras.layers.Reshape((1, 1, channels), name=f"{name}{scale}_map")(vector))
  return parts


def fbcnn(width=0, residual=True, channels=3):
  """Returns FBCNN, float32 [B, H, W, C] in [0, 1] to the same shape, unbounded; any H and W.

  `predicting` also returns the estimated quality; `dialled` takes a quality as input instead.

  Args:
    width: w; 0 is the paper's 64.
    residual: whether the JPEG's pixels are added to the output.
    channels: C.
  """
  width = width or PAPER_WIDTH
  widths = [width << scale for scale in range(SCALES)]
  initializer = keras.initializers.HeNormal()
  began = plain.start(channels, multiple=2 ** (SCALES - 1))
  features = plain.convolution(began.features, width, 3, initializer, "stem", dtype="float32")
  skipped = [features]
  for scale, wider in enumerate(widths[1:], start=1):
    features = _units(features, f"encoder{scale}")
    features = plain.convolution(features, wider, 2, initializer, f"down{scale}", strides=2)
    skipped.append(features)
  features = _units(features, "encoder_body")
  embedding = _predicted(features, widths[-1])
  for index in (1, 2, 3):
    embedding = _dense(embedding, widths[-1], "relu", f"embedding{index}")
  features = _units(features, "decoder_body")
  for scale in range(SCALES - 1, 0, -1):
    features = keras.layers.Add(name=f"joined{scale}")([features, skipped[scale]])
    narrower = widths[scale - 1]
    features = keras.layers.Conv2DTranspose(
      narrower, 2, strides=2, kernel_initializer=initializer.clone(), name=f"up{scale}"
    )(features)
    features = _units(features, f"decoder{scale}", _modulation(embedding, narrower, scale))
  features = keras.layers.Add(name="joined0")([features, skipped[0]])
  return plain.finish("fbcnn", began, features, 3, initializer, residual)


def predicting(network: keras.Model) -> keras.Model:
  """Returns the same network, weights and all, with the estimated quality as second output.

  Args:
    network: made by `fbcnn`, or loaded.
  Returns:
    A keras.Model of images to [restored, quality], quality float32 [B, 1] in [0, 100].
  """
  strength = network.get_layer(_STRENGTH).output
  quality = keras.layers.Rescaling(-100.0, 100.0, dtype="float32", name="quality")(strength)
  return keras.Model(network.input, [network.output, quality], name="fbcnn_predicting")


def dialled(network: keras.Model) -> keras.Model:
  """Returns the same network, weights and all, with the quality as an input.

  A lower quality than the JPEG's makes it smoother, a higher one keeps more of the JPEG's detail
  and artifacts: the paper's dial between the two.

  Args:
    network: made by `fbcnn`, or loaded.
  Returns:
    A keras.Model of [images, quality], quality float32 [B, 1] in [0, 100], to restored images.
  """
  found = network.get_layer(_STRENGTH).output
  rest = keras.Model([network.input, found], network.output, name="fbcnn_rest")
  quality = keras.Input((1,), name="quality")
  strength = keras.layers.Rescaling(-0.01, 1.0, dtype="float32", name="dial")(quality)
  return keras.Model(
    [network.input, quality], rest([network.input, strength]), name="fbcnn_dialled"
  )


def objective(network: keras.Model):
  """Returns the objective: the image's loss plus 0.001 times the L1 loss of the quality.

  Args:
    network: made by `fbcnn`.
  Returns:
    As `registry.image_loss`.
  """
  both = predicting(network)

  def run(inputs, quality, measure):
    restored, found = both(inputs, training=True)
    error = tf.abs(found[:, 0] - tf.cast(quality, tf.float32)) / 100.0
    return restored, measure(restored) + QUALITY_WEIGHT * error

  return run
