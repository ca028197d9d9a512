"""L4 and L8: residual learning, skips by concatenation, filters that start with zero mean.

P. Svoboda, M. Hradis, D. Barina, P. Zemcik, "Compression Artifacts Removal Using Convolutional
Neural Networks", WSCG 2016, arXiv 1605.00366; w = 32, the layers of L8 as others re-implemented it:

    L8: 11x11→w | 3x3→2w | 3x3→2w | 3x3→2w | + first | 1x1→2w | 5x5→2w | + first | 1x1→4w | 5x5→out
    L4: 11x11→w | 3x3→2w | 3x3→2w | 5x5→out

ReLU follows all layers but the last, and also the last where pixels are predicted ("direct");
"+ first" concatenates the first layer's output. L8 has 220 545 parameters in gray, 234 691 in
colour. L4's layers are our reading: L8's ends with two layers between them.

"Each filter is centred at the start" is read as: the mean of each output channel's kernel, over
rows, columns and input channels, is subtracted from Glorot's uniform initialisation.

Deviations: the last layer of the residual form starts at zero, so that the network starts as the
identity, and its output is scaled by 1/10. The paper's third objective is the Sobel loss.
"""

import keras

from deblock.model.networks import config, plain

PAPER_WIDTH = 32
CONTEXT = 16  # L8 reaches 12 pixels, L4 9.


@keras.saving.register_keras_serializable(package="deblock")
class ZeroMean(keras.initializers.Initializer):
  """Glorot's uniform initialisation, less the mean of each output channel's kernel.

  Args:
    seed: of the uniform distribution; None draws one.
  """

  def __init__(self, seed=None):
    self.seed = seed
    self._uniform = keras.initializers.GlorotUniform(seed)

  def __call__(self, shape, dtype=None):
    """Returns a kernel, [height, width, channels in, channels out]."""
    kernel = self._uniform(shape, dtype)
    return kernel - keras.ops.mean(kernel, axis=(0, 1, 2), keepdims=True)

  def clone(self):
    """Returns a copy, which draws other kernels unless a seed was given."""
    return ZeroMean(self.seed)

  def get_config(self):
    """Returns the constructor's arguments."""
    return {"seed": self.seed}


def l4(width=0, residual=True, condition=config.NONE, channels=3):
  """Returns L4; arguments and result as in `l8`."""
  width = width or PAPER_WIDTH
  initializer = ZeroMean()
  began = plain.start(channels, condition)
  layers = ((width, 11), (2 * width, 3), (2 * width, 3))
  features = plain.rectified(began.features, layers, initializer)
  return plain.finish("l4", began, features, 5, initializer, residual, "relu")


def l8(width=0, residual=True, condition=config.NONE, channels=3):
  """Returns L8, float32 [B, H, W, C] in [0, 1] to the same shape.

  Args:
    width: w; 0 is 32.
    residual: whether the JPEG's pixels are added to the output, which is then unbounded.
    condition: its input about the JPEG; unless "none", it takes [image, tables].
    channels: C.
  """
  width = width or PAPER_WIDTH
  initializer = ZeroMean()
  began = plain.start(channels, condition)
  features = first = plain.rectified(began.features, ((width, 11),), initializer)
  stages = (
    ((2 * width, 3), (2 * width, 3), (2 * width, 3)),
    ((2 * width, 1), (2 * width, 5)),
    ((4 * width, 1),),
  )
  index = 1
  for stage, layers in enumerate(stages):
    if stage:
      features = keras.layers.Concatenate(name=f"skip{stage}")([features, first])
    for layer_channels, side in layers:
      index += 1
      name = f"convolution{index}"
      features = plain.convolution(features, layer_channels, side, initializer, name)
      features = keras.layers.ReLU(name=f"activation{index}")(features)
  return plain.finish("l8", began, features, 5, initializer, residual, "relu")
