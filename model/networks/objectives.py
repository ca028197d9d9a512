"""How a network is run and judged in a training step."""

import keras


def plain(network: keras.Model):
  """Returns how most networks are trained: by the loss of the restored image.

  Args:
    network: keras.Model.
  Returns:
    A function of
      inputs: what the network is called with,
      quality: int32 [B], the JPEG's quality, 1 to 100,
      measure: a function of restored images, float32 [B, H, W, C], to their losses, float32 [B],
    to the restored images and what to minimise, float32 [B].
  """

  def run(inputs, quality, measure):
    del quality
    restored = network(inputs, training=True)
    return restored, measure(restored)

  return run
