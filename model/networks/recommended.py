"""The settings that a network is trained with where no flag says otherwise. No TensorFlow here.

Crops and batches are those of the papers where these are known and twice the context fits; the
others were chosen here for one CPU or GPU.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Recommended:
  """Defaults of deblock-train, named as its flags.

  Attributes:
    crop_size: side of a crop, a multiple of 8.
    batch_size: crops in a batch.
    learning_rate: the highest one.
    online_qualities: with degradation=online.
    max_steps: after which most of what can be gained on one machine is.
  """

  crop_size: int = 64
  batch_size: int = 16
  learning_rate: float = 1e-3
  online_qualities: str = "5-95"
  max_steps: int = 20_000


USUAL = Recommended()
_OURS = Recommended(128, 16, 2e-3, "0.5*5-50+0.5*5-95", 20_000)
_SHALLOW = Recommended(64, 32, 1e-3, "10-40", 10_000)
BY_NAME = {
  "blockcnn": Recommended(24, 32, 2e-3, "5-95", 2000),
  "blockcnn_fc": Recommended(64, 16, 2e-3, "5-95", 2000),
  # Ten epochs of the pairs of 24 images.
  "blockcnn_kodak": Recommended(24, 128, 2e-3, "5-95", 9216),
  "deblocknet": _OURS,
  "deblocknet_fast": _OURS,
  "arcnn": _SHALLOW,
  "l4": _SHALLOW,
  "l8": _SHALLOW,
  "dncnn3": Recommended(64, 32, 1e-3, "5-99", 20_000),
  # The paper's crops, far smaller than twice its context.
  "fbcnn": Recommended(96, 16, 1e-4, "fbcnn", 100_000),
  "nafcar": Recommended(128, 8, 1e-3, "5-95", 20_000),
  "smca": Recommended(128, 8, 1e-3, "5-95", 20_000),
}
