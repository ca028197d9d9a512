import numpy as np
import pytest

from deblock.launch import watch
from deblock.records import codec, jpeg_tables, manifest

QUALITIES = (10, 20)


def test_every_tile_is_restored_by_the_tables_of_its_quality(small_run, records):
  seen = []

  def restore(jpeg, tables):
    seen.append((jpeg, tables))
    return jpeg

  watching = watch.Watch(lambda: restore, small_run(evaluation_tiles=2), manifest.load(records))
  scalars, sheet = watching()
  assert len(seen) == 2 * len(QUALITIES)
  for index, (jpeg, tables) in enumerate(seen):
    quality = QUALITIES[index % 2]
    np.testing.assert_array_equal(tables, jpeg_tables.quantization_tables(quality))
    # The JPEG of a JPEG by the same tables is nearly itself, by others it is not.
    again = codec.decode(codec.encode(jpeg, quality, "420"))
    other = codec.decode(codec.encode(jpeg, QUALITIES[1 - index % 2], "420"))
    error, other_error = (np.mean((made.astype(float) - jpeg) ** 2) for made in (again, other))
    assert error < other_error
  assert {name.split("/q")[1] for name in scalars} == {"10", "20"}
  for quality in QUALITIES:
    assert scalars[f"eval/gain_db/q{quality}"] == scalars[f"eval/ssim_gain/q{quality}"] == 0
    assert 15 < scalars[f"eval/psnr_db/q{quality}"] < 50
    assert 0 < scalars[f"eval/ssim/q{quality}"] < 1
  assert sheet.dtype == np.uint8 and sheet.ndim == 3


def test_without_tiles_there_is_nothing_to_say(small_run, records):
  watching = watch.Watch(lambda: pytest.fail, small_run(evaluation_tiles=0), manifest.load(records))
  assert watching() == ({}, None)
