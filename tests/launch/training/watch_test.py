import dataclasses
import json
import math

import keras
import numpy as np
import pytest

from deblock.launch.run_folder import history
from deblock.launch.training import optimization, watch
from deblock.model import restorer
from deblock.model.networks import registry
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
  # An unchanged JPEG gains nothing, and has the figures of the JPEGs, which have no gain.
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
  assert first == ("held-out gain +0.000 dB at quality 10, +0.000 dB at quality 20")
  assert second.startswith("held-out gain of averaged weights -")


SCALARS = {
  "eval/gain_db/q10": 0.5,
  "eval/gain_db/q20": 0.2,
  "eval/ssim_gain/q10": 0.01,
  "eval/ssim/q10": 0.9,
}


@pytest.mark.parametrize(
  ("metric", "value"),
  [("eval/gain_db", 0.35), ("eval/gain_db/q20", 0.2), ("eval/ssim", 0.9)],
)
def test_a_figure_is_one_quality_s_or_the_mean_of_all(metric, value):
  assert watch.figure(metric, SCALARS) == pytest.approx(value)


@pytest.mark.parametrize("metric", ["eval/gain_db/q1", "eval/gain", "eval/psnr_db"])
def test_a_figure_that_is_not_there_is_refused_with_those_that_are(metric):
  with pytest.raises(ValueError, match=f"one of eval/gain_db/q10, .*q10, got '{metric}'"):
    watch.BestSoFar(metric).after(1, SCALARS)


def _after(values, start=None):
  found = start or watch.BestSoFar("m")
  for step, value in enumerate(values, 1):
    found = found.after(step, {"m": value})
  return found


def test_only_what_is_higher_is_better():
  assert _after([1.0, 3.0, 3.0, 2.0]) == watch.BestSoFar("m", 3.0, 2, since=2)
  assert _after([-math.inf]) == watch.BestSoFar("m", -math.inf, 1)
  assert _after([math.nan, 1.0, math.nan, math.inf]) == watch.BestSoFar("m", math.inf, 4)


def test_it_is_over_after_as_many_in_a_row_as_are_allowed():
  for values, over in (([2, 1], False), ([2, 1, 1], True), ([2, 1, 3, 1], False)):
    assert _after(values).is_over(2) is over
  assert not _after([2, 1, 1, 1]).is_over(0)
  assert _after([math.nan, math.nan]).is_over(2)


def test_an_evaluation_without_figures_counts_for_nothing():
  assert _after([2.0]).after(9, {}) == _after([2.0])


def test_it_is_the_same_after_saving_unless_another_figure_is_asked_for():
  found = _after([0.1 + 0.2, 0.1])
  saved = json.loads(json.dumps(dataclasses.asdict(found)))
  assert watch.loaded_best("m", saved) == found
  assert (
    watch.loaded_best("other", saved)
    == watch.loaded_best("other", None)
    == watch.BestSoFar("other")
  )


@pytest.fixture
def restored_with(monkeypatch):
  """What each restorer is made of, one after another: its network, and its weights at that time."""
  made = []

  def note(network, entry, constant):
    assert constant
    made.append((network, [weight.numpy() for weight in network.weights]))
    return len(made) - 1

  monkeypatch.setattr(restorer, "Restorer", note)
  return made


def test_the_weights_that_are_judged_are_those_that_the_run_will_be_used_with(
  tiny, small_settings, restored_with
):
  entry = registry.get(tiny)
  run = small_settings(model=tiny)
  network = entry.build(2, True)
  assert watch.present_restorers(run, entry, network, optimization.UpdateRules())() == {
    history.MAIN: 0
  }
  assert restored_with[0][0] is network

  run = small_settings(model=tiny, ema_decay=0.9)
  optimizer = optimization.create(run.optimization, network.trainable_variables)
  rules = optimization.rules(run.optimization, network, optimizer, False)
  make = watch.present_restorers(run, entry, network, rules)
  for weight in network.weights:
    weight.assign(weight + 5.0)
  for average in rules.averages:
    average.assign_add(np.ones(average.shape, np.float32))
  assert make() == {history.MAIN: 1, history.AVERAGED: 2}
  (_, raw), (_, averaged) = restored_with[1:]
  for weight, one, other in zip(network.weights, raw, averaged, strict=True):
    np.testing.assert_array_equal(one, weight.numpy())
    np.testing.assert_allclose(other, weight.numpy() - 4.0, atol=1e-5)


def test_a_network_in_low_precision_is_judged_in_float32(tiny, small_settings, restored_with):
  entry, run = registry.get(tiny), small_settings(model=tiny, precision="bfloat16")
  with optimization.precision_of_layers("bfloat16"):
    network = entry.build(2, True)
  keras.utils.set_random_seed(1)
  watch.present_restorers(run, entry, network, optimization.UpdateRules())()
  ((shown, weights),) = restored_with
  assert {layer.compute_dtype for layer in shown.layers} == {"float32"}
  for weight, trained in zip(weights, network.weights, strict=True):
    np.testing.assert_array_equal(weight, trained.numpy())
