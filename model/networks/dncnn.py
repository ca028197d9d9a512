"""DnCNN-3: the plain deep network that learns the residual.

K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang, "Beyond a Gaussian Denoiser: Residual Learning of Deep
CNN for Image Denoising", IEEE Transactions on Image Processing 26 (7), 2017, arXiv 1608.03981,
in the form that the authors publish for denoising, super-resolution and JPEG together
(cszn/KAIR, network_dncnn.py, "dncnn3"), whose batch normalisation is merged; w = 64:

    3x3→w, ReLU | 18 times 3x3→w, ReLU | 3x3→out                                 (20 layers)

665 921 parameters in gray, 668 227 in colour.

Deviations: the residual is scaled by 1/10 and added; the paper subtracts it, which only changes the
sign of the last layer's weights. That layer starts at zero, so that the network starts as the
identity.
"""

import keras

from deblock.model.networks import config, plain

PAPER_WIDTH, DEPTH = 64, 20
CONTEXT = 24  # It reaches 20 pixels.


def dncnn3(width=0, residual=True, condition=config.NONE, channels=3):
  """Returns DnCNN-3, float32 [B, H, W, C] in [0, 1] to the same shape, unbounded.

  Args:
    width: w; 0 is the paper's 64.
    residual: must be true.
    condition: its input about the JPEG; unless "none", it takes [image, tables].
    channels: C.
  Raises:
    ValueError: if `residual` is false.
  """
  plain.require_residual("dncnn3", residual)
  initializer = keras.initializers.HeNormal()
  began = plain.start(channels, condition)
  layers = ((width or PAPER_WIDTH, 3),) * (DEPTH - 1)
  features = plain.rectified(began.features, layers, initializer)
  return plain.finish("dncnn3", began, features, 3, initializer, residual)
