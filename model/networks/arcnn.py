"""AR-CNN: the first convolutional network against compression artifacts.

C. Dong, Y. Deng, C. C. Loy, X. Tang, "Compression Artifacts Reduction by a Deep Convolutional
Network", ICCV 2015, arXiv 1504.06993; w = 64:

    9x9→w | 7x7→w/2 | 1x1→w/4 | 5x5→out                      (ReLU after all but the last)

106 561 parameters in gray, 117 731 in colour.

Deviations. Zero padding keeps the image's size. Off with `residual=False`: the network predicts a
residual, scaled by 1/10 and added to the JPEG; its last layer starts at zero, so that it starts as
the identity; He initialisation replaces N(0, 0.001).
"""

import keras

from deblock.model.networks import config, plain

PAPER_WIDTH = 64
CONTEXT = 16  # It reaches 4 + 3 + 2 pixels.


def arcnn(width=0, residual=True, condition=config.NONE, channels=3):
  """Returns AR-CNN, float32 [B, H, W, C] in [0, 1] to the same shape, unbounded.

  Args:
    width: w; 0 is the paper's 64.
    residual: whether the JPEG's pixels are added to the output.
    condition: its input about the JPEG; unless "none", it takes [image, tables].
    channels: C.
  """
  width = width or PAPER_WIDTH
  initializer = (
    keras.initializers.HeNormal() if residual else keras.initializers.RandomNormal(stddev=0.001)
  )
  began = plain.start(channels, condition)
  layers = ((width, 9), (max(1, width // 2), 7), (max(1, width // 4), 1))
  features = plain.rectified(began.features, layers, initializer)
  return plain.finish("arcnn", began, features, 5, initializer, residual)
