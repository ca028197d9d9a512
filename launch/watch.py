"""How a network does on held-out tiles while it is trained."""

from deblock.launch import config, evaluation, picture
from deblock.pipeline import dataset
from deblock.records import jpeg_tables
from deblock.records import manifest as manifest_lib


class Watch:
  """Evaluates the network on held-out tiles while it trains, at every stored quality.

  Args:
    make_restorer: returns what restores with the present weights, as a `restorer.Restorer` does; it
      is asked each time, since to compile anew costs less than to run with variable weights.
    run: all settings.
    manifest: of the records.
  """

  def __init__(self, make_restorer, run: config.RunConfig, manifest: manifest_lib.Manifest):
    self._make_restorer = make_restorer
    tiles = dataset.evaluation_tiles(run.input, manifest, run.train.evaluation_tiles)
    self._tiles = list(tiles.as_numpy_iterator())

  def __call__(self):
    """Returns scalars by name, and the picture of the first tile at its first quality or None."""
    rows, sheet = [], None
    restore = self._make_restorer()
    for index, (clean, compressed, qualities) in enumerate(self._tiles):
      for jpeg, quality in zip(compressed, qualities, strict=True):
        restored = restore(jpeg, jpeg_tables.quantization_tables(quality))
        row = evaluation.compare(f"held-out tile {index}", int(quality), clean, jpeg, restored)
        rows.append(row)
        if sheet is None:
          sheet = picture.side_by_side(clean, jpeg, restored, row)
    scalars = {}
    for row in evaluation.means(rows):
      scalars[f"eval/psnr_db/q{row.quality}"] = row.psnr
      scalars[f"eval/ssim/q{row.quality}"] = row.ssim
      scalars[f"eval/gain_db/q{row.quality}"] = row.gain
      scalars[f"eval/ssim_gain/q{row.quality}"] = row.ssim - row.ssim_jpeg
    return scalars, sheet
