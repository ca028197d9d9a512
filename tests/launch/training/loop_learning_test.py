"""A run's settings of learning, seen in what it leaves behind."""

import dataclasses
import itertools
import math
import shutil

import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.run_folder import run_file
from deblock.launch.training import loop
from deblock.model.networks import registry
from deblock.pipeline import dataset
from deblock.records.layout import manifest

EVERYTHING = {
  "ema_decay": 0.9,
  "accumulate_steps": 2,
  "clip_norm": 0.1,
  "precision": "float16",
  "jit_compile": "true",
  "crop_size": 32,
  "early_crop_sizes": "24@0.5",
  "max_steps": 8,
}


def _state(path):
  reader = tf.train.load_checkpoint(path)
  names = sorted(reader.get_variable_to_shape_map())
  passing = ("seconds", "notes", "save_counter", "_CHECKPOINTABLE_OBJECT_GRAPH")
  return {name: reader.get_tensor(name) for name in names if name.split("/")[0] not in passing}


def _stopped_at_reading(number):
  readings = itertools.count()

  def clock():
    if next(readings) == number:
      raise KeyboardInterrupt
    return 0.0

  return clock


def test_stopping_changes_no_bit_of_weights_averages_and_scale(
  tiny, small_run, tmp_path, monkeypatch
):
  opened = []
  training_dataset = dataset.training_dataset

  def spied(config, *arguments, **options):
    opened.append((config.crop_size, options["first_batch"]))
    return training_dataset(config, *arguments, **options)

  monkeypatch.setattr(dataset, "training_dataset", spied)
  whole = loop.train(small_run(model=tiny, logdir=str(tmp_path / "whole"), **EVERYTHING))
  assert opened == [(24, 0), (32, 4)]
  parts = small_run(model=tiny, logdir=str(tmp_path / "parts"), **EVERYTHING)
  # Two readings a call of two steps: this ends it at step 6, two after its checkpoint.
  with pytest.raises(KeyboardInterrupt):
    loop.train(parts, _stopped_at_reading(6))
  opened.clear()
  resumed = loop.train(parts)
  assert resumed.trained and opened == [(32, 4)]
  one, other = _state(whole.checkpoint), _state(resumed.checkpoint)
  kinds = {"weights", "averages", "loss_scale", "optimizer", "step"}
  assert {name.split("/")[0] for name in one} == kinds and one.keys() == other.keys()
  for name, value in one.items():
    np.testing.assert_array_equal(value, other[name], err_msg=name)
  assert any((one[name] != one[name.replace("averages", "weights")]).any() for name in one)


def test_a_run_starts_from_another_ones_weights_and_goes_on_without_it(tiny, small_run, tmp_path):
  first = loop.train(small_run(model=tiny, logdir=str(tmp_path / "first"), max_steps=2))
  settings = {"learning_rate": 1e-30, "init_from": str(tmp_path / "first")}
  with pytest.raises(ValueError, match=r"init_from .* does not fit .*/kernel, the first"):
    loop.train(small_run(model=tiny, logdir=str(tmp_path / "wider"), width=3, **settings))
  assert not (tmp_path / "wider").exists()

  def second(max_steps):
    return small_run(
      model=tiny, logdir=str(tmp_path / "second"), seed=1, max_steps=max_steps, **settings
    )

  made = _state(loop.train(second(2)).checkpoint)
  source = _state(first.checkpoint)
  weights = [name for name in source if name.startswith("weights/")]
  assert len(weights) == 4
  for name in weights:
    np.testing.assert_array_equal(made[name], source[name])
  shutil.rmtree(tmp_path / "first")
  assert loop.train(second(4)).step == 4


def test_a_network_is_trained_with_its_own_loss_unless_one_is_named(
  tiny, small_run, monkeypatch, tmp_path
):
  entry = dataclasses.replace(registry.get(tiny), loss="l2")
  monkeypatch.setitem(registry._ENTRIES, tiny, entry)
  states = {}
  for loss in ("", "l2", "l1"):
    folder = str(tmp_path / f"with-{loss}")
    result = loop.train(small_run(model=tiny, loss=loss, max_steps=2, logdir=folder))
    assert run_file.load(folder).optimization.loss == (loss or "l2")
    states[loss] = _state(result.checkpoint)
  weights = [name for name in states[""] if name.startswith("weights/")]
  assert all((states[""][name] == states["l2"][name]).all() for name in weights)
  assert any((states[""][name] != states["l1"][name]).any() for name in weights)


def test_epochs_end_a_run_too(tiny, small_run, records):
  tiles = manifest.load(records).count("train")
  # Of four crops of each tile, in batches of four.
  run = small_run(model=tiny, max_epochs=0.3, max_steps=100)
  expected = math.ceil(0.3 * tiles)
  assert 1 < expected < 100 and loop.train(run).step == expected
  assert not loop.train(run).trained


def test_a_batch_that_does_not_fall_into_the_parts_is_refused(tiny, small_run):
  message = "batch_size must be a multiple of accumulate_steps, 3, on each of the 1 .*, got 4"
  with pytest.raises(ValueError, match=message):
    loop.train(small_run(model=tiny, accumulate_steps=3))


def test_an_early_crop_without_a_pixel_to_predict_is_refused(tiny, small_run):
  with pytest.raises(ValueError, match=r"crop_size must be more than 16 for tiny, .*, got 16"):
    loop.train(small_run(model=tiny, early_crop_sizes="16@0.5"))
