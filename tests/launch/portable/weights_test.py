import json

import keras
import numpy as np
import pytest

from deblock.launch.portable import exported_step
from deblock.launch.portable import settings as settings_lib
from deblock.launch.portable import weights as weights_export
from deblock.launch.restoring import network as network_lib
from deblock.launch.run_folder import checkpoints, run_file
from deblock.model import pretrained, restorer
from deblock.model.networks import config, registry


@pytest.fixture
def run(small_run):
  """A run of a narrow network whose weights are all 0.001 and their averages 0.002."""
  settings = small_run(model="deblocknet_fast", width=4)
  network = registry.build(settings.model)
  for weight in network.weights:
    weight.assign(np.full(weight.shape, 0.001))
  optimizer = keras.optimizers.SGD(0.1)
  optimizer.build(network.trainable_variables)
  averages = [weight.value * 2.0 for weight in network.weights]
  saver = checkpoints.Checkpoints(
    settings.train.logdir,
    network,
    optimizer,
    {"averages": [keras.Variable(value).value for value in averages]},
  )
  saver.step.assign(7)
  saver.save()
  run_file.save(settings)
  return settings


@pytest.mark.parametrize(("kind", "value"), [("auto", 0.002), ("raw", 0.001)])
def test_the_weights_that_are_meant_load_as_shipped_ones_do(run, tmp_path, kind, value):
  settings = settings_lib.WeightsConfig(
    logdir=run.train.logdir, name="mine", output=str(tmp_path / "weights"), weights=kind
  )
  assert weights_export.export(settings) == 7
  network, entry = pretrained.load("mine", tmp_path / "weights")
  assert entry.name == "deblocknet_fast"
  for weight in network.weights:
    np.testing.assert_array_equal(weight.numpy(), np.full(weight.shape, np.float16(value)))
  # The file for restoring holds the same, rounded weights.
  images = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
  steps = np.full((2, 8, 8), 16)
  in_keras = restorer.Restorer(network, entry)(images, steps)
  exported = network_lib.load(str(tmp_path / "weights" / "mine.onnx"))(images, steps)
  np.testing.assert_array_equal(exported, in_keras)


def test_a_network_of_other_settings_is_refused(run, small_run, tmp_path):
  run_file.save(small_run(model="deblocknet_fast", width=4, condition="none"))
  settings = settings_lib.WeightsConfig(logdir=run.train.logdir, name="n", output=str(tmp_path))
  with pytest.raises(ValueError, match="keep only model and width"):
    weights_export.export(settings)


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"logdir": ""}, "logdir is missing: use --logdir="),
    ({"name": "../x"}, r"name must be a word of letters, digits and _, got '\.\./x'"),
    ({"checkpoint": "first"}, "checkpoint must be one of latest, best"),
    ({"weights": "all"}, "weights must be one of auto, raw, averaged, got 'all'"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    settings_lib.WeightsConfig(**{"logdir": "l", "name": "n", "output": "o", **change})


def test_the_averages_of_a_run_on_an_accelerator_become_weights(tmp_path):
  network = registry.build(config.ModelConfig(model="deblocknet_fast", width=4))
  arrays = {weight.path: np.full(weight.shape, 2.0**-10, np.float32) for weight in network.weights}
  np.savez(tmp_path / exported_step.AVERAGES, **arrays)
  np.savez(tmp_path / exported_step.STATE, number=9)
  facts = {"model": {"model": "deblocknet_fast", "width": 4}}
  (tmp_path / exported_step.LAYOUT).write_text(json.dumps(facts))
  output = str(tmp_path / "weights")
  settings = settings_lib.WeightsConfig(logdir=str(tmp_path), name="mine", output=output)
  assert weights_export.export(settings) == 9
  found, _ = pretrained.load("mine", tmp_path / "weights")
  assert all((weight.numpy() == 2.0**-10).all() for weight in found.weights)
  assert (tmp_path / "weights" / "mine.onnx").exists()
