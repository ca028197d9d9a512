import numpy as np
import pytest

from deblock.launch.run_folder import history
from deblock.launch.training import watch
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables
from deblock.records.layout import manifest

QUALITIES = (10, 20)


def test_every_tile_is_restored_by_the_tables_of_its_quality(small_run, records):
  seen = []

  def restore(jpeg, tables):
    seen.append((jpeg, tables))
    return jpeg

  run = small_run(evaluation_tiles=2)
  found = watch.Watch(lambda: {history.MAIN: restore}, run, manifest.load(records))()
  scalars, jpegs = found.scalars[history.MAIN], found.scalars[history.JPEG]
  assert len(seen) == 2 * len(QUALITIES)
  for index, (jpeg, tables) in enumerate(seen):
    quality = QUALITIES[index % 2]
    np.testing.assert_array_equal(tables, jpeg_tables.quantization_tables(quality))
    # The JPEG of a JPEG by the same tables is nearly itself, by others it is not.
    again = codec.decode(codec.encode(jpeg, quality, "420"))
    other = codec.decode(codec.encode(jpeg, QUALITIES[1 - index % 2], "420"))
    error, other_error = (np.mean((made.astype(float) - jpeg) ** 2) for made in (again, other))
    assert error < other_error
  # What is left as it is gains nothing, and is as good as the JPEGs, which have no gain.
  gains = {name: value for name, value in scalars.items() if name not in jpegs}
  assert gains == {"eval/gain_db/q10": 0, "eval/gain_db/q20": 0, "eval/gain_db/mean": 0}
  assert {name: scalars[name] for name in jpegs} == jpegs
  for quality in QUALITIES:
    assert 15 < scalars[f"eval/psnr_db/q{quality}"] < 50
    # Block edges make a JPEG look worse than its error says.
    assert 15 < scalars[f"eval/psnr_b_db/q{quality}"] < scalars[f"eval/psnr_db/q{quality}"]
    assert 0 < scalars[f"eval/ssim/q{quality}"] < 1
  ((name, sheet),) = found.sheets.items()
  assert name == "eval/tile_0/q10"
  assert sheet.dtype == np.uint8 and sheet.ndim == 3


def test_without_tiles_there_is_nothing_to_say(small_run, records):
  run = small_run(evaluation_tiles=0)
  found = watch.Watch(lambda: {history.MAIN: pytest.fail}, run, manifest.load(records))()
  assert found == watch.Seen({}, {})
  assert watch.lines(found) == []


def test_several_sets_of_weights_are_seen_on_the_same_tiles(small_run, records):
  def keep(jpeg, tables):
    return jpeg

  def darken(jpeg, tables):
    return jpeg // 2

  restorers = {history.MAIN: keep, history.AVERAGED: darken}
  found = watch.Watch(lambda: restorers, small_run(), manifest.load(records))()
  assert set(found.scalars) == {history.MAIN, history.AVERAGED, history.JPEG}
  kept, averaged = found.scalars[history.MAIN], found.scalars[history.AVERAGED]
  assert kept.keys() == averaged.keys()
  jpeg = found.scalars[history.JPEG]["eval/psnr_db/q10"]
  assert averaged["eval/gain_db/q10"] == pytest.approx(averaged["eval/psnr_db/q10"] - jpeg)
  mean = (averaged["eval/gain_db/q10"] + averaged["eval/gain_db/q20"]) / 2
  assert averaged["eval/gain_db/mean"] == pytest.approx(mean)
  assert mean < kept["eval/gain_db/mean"] == 0
  alone = watch.Watch(lambda: {history.MAIN: keep}, small_run(), manifest.load(records))()
  np.testing.assert_array_equal(*(s.sheets["eval/tile_0/q10"] for s in (found, alone)))
  first, second = watch.lines(found)
  assert first == (
    "gain over JPEG on held-out tiles +0.000 dB at quality 10, +0.000 dB at quality 20"
  )
  assert second.startswith("gain of averaged weights over JPEG on held-out tiles -")
