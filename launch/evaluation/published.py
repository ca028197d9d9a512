"""Published figures, with their test sets and protocols.

They are copied from the tables in the repositories of FBCNN, SwinIR, CAT, GRL-Image-Restoration,
MambaIR and QGCN. None was measured here.
"""

from collections.abc import Sequence
import dataclasses

from deblock.launch.evaluation import figures
from deblock.launch.evaluation import protocol as protocol_lib

SOURCE = (
  "as listed in the repositories of FBCNN, SwinIR, CAT, GRL-Image-Restoration, MambaIR and QGCN"
)
QUALITIES = (10, 20, 30, 40)
GRAY, COLOUR = "gray", "420"


@dataclasses.dataclass(frozen=True)
class Reference:
  """The JPEGs of a test set.

  Attributes:
    test_set: its name.
    images: how many there are.
    kind: "gray", or the subsampling of colour JPEGs.
    psnr: of the JPEGs at each of `QUALITIES`, in decibels, to two decimals.
    ssim: the same, to four.
  """

  test_set: str
  images: int
  kind: str
  psnr: tuple[float, ...]
  ssim: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Published:
  """The figures that a paper prints for a network on a test set.

  Attributes:
    network: its name; with * where one network was trained for each quality.
    paper: first author and year.
    test_set: on which it was measured.
    kind: as in `Reference`.
    psnr: in decibels at each of `QUALITIES`; None where none is printed.
    ssim: the same; empty where none is printed.
    own_jpeg: PSNR of the JPEGs as the paper measured them, where its protocol is another one; then
      only gains can be compared.
  """

  network: str
  paper: str
  test_set: str
  kind: str
  psnr: tuple[float | None, ...]
  ssim: tuple[float, ...] = ()
  own_jpeg: tuple[float, ...] = ()


REFERENCES = (
  Reference("Classic5", 5, GRAY, (27.82, 30.12, 31.48, 32.43), (0.7595, 0.8344, 0.8666, 0.8849)),
  Reference("LIVE1", 29, GRAY, (27.77, 30.07, 31.41, 32.35), (0.7730, 0.8512, 0.8851, 0.9041)),
  Reference("LIVE1", 29, COLOUR, (25.69, 28.06, 29.37, 30.28), (0.7433, 0.8256, 0.8615, 0.8821)),
  Reference("LIVE1", 29, "444", (25.97, 28.45, 29.83, 30.82), (0.7425, 0.8279, 0.8653, 0.8868)),
)
_GRAY_ROWS = (
  ("AR-CNN*", "Dong 2015", (29.03, 31.15, 32.51, 33.32), (28.96, 31.29, 32.67, 33.61)),
  ("DnCNN-3", "Zhang 2017", (29.40, 31.63, 32.91, 33.77), (29.19, 31.59, 32.98, 33.96)),
  ("QGAC", "Ehrlich 2020", (29.84, 31.98, 33.22, 34.05), (29.51, 31.83, 33.20, 34.16)),
  ("RNAN*", "Zhang 2019", (29.96, 32.11, 33.38, 34.27), (29.63, 32.03, 33.45, 34.47)),
  ("FBCNN", "Jiang 2021", (30.12, 32.31, 33.54, 34.35), (29.75, 32.13, 33.54, 34.53)),
  ("SwinIR*", "Liang 2021", (30.27, 32.52, 33.73, 34.52), (29.86, 32.25, 33.69, 34.67)),
  ("MambaIRv2*", "Guo 2025", (30.37, None, 33.81, 34.64), (29.91, None, 33.73, 34.73)),
)
_COLOUR_ROWS = (
  ("QGAC", "Ehrlich 2020", (27.62, 29.88, 31.17, 32.05), (0.804, 0.868, 0.896, 0.912)),
  ("FBCNN", "Jiang 2021", (27.77, 30.11, 31.43, 32.34), (0.803, 0.868, 0.897, 0.913)),
  ("SwinIR*", "Liang 2021", (28.06, 30.45, 31.82, 32.75), (0.809, 0.874, 0.902, 0.917)),
  ("GRL-S*", "Li 2023", (28.13, 30.49, 31.85, 32.79), (0.814, 0.878, 0.905, 0.920)),
)
# By the protocol of its authors (VDIGPKU/QGCN), whose JPEGs are 0.1 dB worse.
_OWN_JPEG = (25.60, 27.96, 29.25, 30.16)
_OWN_ROWS = (
  ("QCN", "Li 2020", (27.56, 29.94, 31.25, 32.17)),
  ("QGCN", "Li 2020", (27.84, 30.16, 31.49, 32.39)),
)
ROWS = (
  *(Published(name, paper, "Classic5", GRAY, psnr) for name, paper, psnr, _ in _GRAY_ROWS),
  *(Published(name, paper, "LIVE1", GRAY, psnr) for name, paper, _, psnr in _GRAY_ROWS),
  *(
    Published(name, paper, "LIVE1", COLOUR, psnr, ssim) for name, paper, psnr, ssim in _COLOUR_ROWS
  ),
  *(
    Published(name, paper, "LIVE1", COLOUR, psnr, own_jpeg=_OWN_JPEG)
    for name, paper, psnr in _OWN_ROWS
  ),
)

# Gray LIVE1 compressed twice: quality 10, four rows and columns cut off, quality 50 (Jiang 2021).
DOUBLE_JPEG = (("FBCNN", 28.20), ("FBCNN, trained with double JPEG", 29.52))


def kind_of(protocol: protocol_lib.ProtocolConfig) -> str:
  """Returns the kind of JPEGs that a protocol measures; empty where no table has it."""
  if protocol.luma or protocol.double_quality:
    return ""
  return GRAY if protocol.gray else protocol.subsampling


def matching_test_set(
  means: Sequence[figures.Row], images: int, protocol: protocol_lib.ProtocolConfig
) -> Reference | None:
  """Returns the test set that was measured, or None if it is none of `REFERENCES`.

  A folder's name proves nothing. The test set is recognised if the number of images is equal, and
  the JPEGs have its printed PSNR and SSIM to the last digit at every measured quality.

  Args:
    means: of one method.
    images: how many were measured.
    protocol: by which.
  """
  for reference in REFERENCES:
    if (reference.kind, reference.images) != (kind_of(protocol), images):
      continue
    printed = {
      quality: (psnr, ssim)
      for quality, psnr, ssim in zip(QUALITIES, reference.psnr, reference.ssim, strict=True)
    }
    shared = [row for row in means if row.quality in printed]
    if shared and all(
      abs(row.psnr_jpeg - printed[row.quality][0]) < 0.0051
      and (row.ssim_jpeg is None or abs(row.ssim_jpeg - printed[row.quality][1]) < 0.000051)
      for row in shared
    ):
      return reference
  return None
