import dataclasses
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from deblock.launch.portable import exported_network
from deblock.launch.portable import settings as settings_lib
from deblock.launch.restoring import network_file
from deblock.launch.run_folder import checkpoints, run_file
from deblock.model import pretrained, pretrained_files
from deblock.model.networks import registry
from deblock.records.photos import results

# Their many operations take tf2onnx long.
_SLOW = ("fbcnn", "nafcar", "smca")


def _build(name, scale=1.0):
  """Returns a narrow network with random weights that keep the size of what passes them."""
  entry = registry.get(name)
  network = entry.build(3, entry.residual)
  random = np.random.default_rng(3)
  for variable in network.weights:
    kind = variable.path.split("/")[-1]
    if kind in ("gamma", "moving_variance"):
      value = random.uniform(0.5, 1.5, variable.shape)
    elif kind == "kernel":
      value = random.normal(0.0, scale * np.prod(variable.shape[:-1]) ** -0.5, variable.shape)
    else:
      value = random.normal(0.0, 0.1, variable.shape)
    variable.assign(value)
  return network, entry


@pytest.mark.parametrize(
  "name",
  [pytest.param(name, marks=[pytest.mark.slow] * (name in _SLOW)) for name in registry.names()],
)
def test_every_network_leaves_as_onnx_and_is_described(tmp_path, name):
  # Without a skip connection its random outputs would be far outside [0, 1].
  network, entry = _build(name, 0.25 if name == "blockcnn_kodak" else 1.0)
  path = tmp_path / "mine.onnx"
  difference = exported_network.write(network, entry, path, settings_lib.ONNX, {"step": 3})
  assert 0.0 < difference <= exported_network.LARGEST_DIFFERENCE
  file = network_file.read(path)
  assert file.facts["step"] == 3 and file.facts["consumed"] == entry.consumed
  for field in dataclasses.fields(file.traits):
    assert getattr(file.traits, field.name) == getattr(entry, field.name)
  assert {file.name for file in tmp_path.iterdir()} - {results.NAME} == {"mine.onnx"}


@pytest.mark.parametrize("name", ["deblocknet_fast", "arcnn"])
@pytest.mark.parametrize(
  ("kind", "output"),
  [(settings_lib.SAVED_MODEL, "served"), (settings_lib.LITERT, "m.tflite")],
)
def test_networks_leave_for_tensorflow_serving_and_litert(tmp_path, name, kind, output):
  network, entry = _build(name)
  path = tmp_path / output
  assert exported_network.write(network, entry, path, kind, {}) <= 1e-3
  assert {file.name for file in tmp_path.iterdir()} - {results.NAME} == {output}
  if kind == settings_lib.SAVED_MODEL:
    signature = tf.saved_model.load(str(path)).signatures["serving_default"]
    given = signature.structured_input_signature[1]
    assert set(given) == {"compressed", "tables"} if entry.conditioned else {"compressed"}
    with pytest.raises(FileExistsError, match="served exists and is not an empty folder"):
      exported_network.write(network, entry, path, kind, {})


def test_what_differs_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
  network, entry = _build("arcnn")
  monkeypatch.setattr(exported_network, "compare", lambda *given: 0.5)
  with pytest.raises(ValueError, match=r"differs from arcnn by 0\.5 levels, 0\.001 at most"):
    exported_network.write(network, entry, tmp_path / "m.onnx", settings_lib.ONNX, {})
  assert not list(tmp_path.iterdir())


def test_a_difference_is_seen_in_levels_on_every_size():
  entry = registry.get("arcnn")
  seen = []

  def other(inputs):
    seen.append(inputs[0].shape[1:3])
    return inputs[0] + np.float32(seen[-1] == (17, 70)) / 255

  difference = exported_network.compare(lambda image: image, other, entry)
  assert difference == pytest.approx(1.0, abs=1e-4)
  assert {(1, 1), (8, 8), (17, 70)} <= set(seen)


@pytest.mark.parametrize("name", pretrained_files.names())
def test_the_pretrained_onnx_file_holds_the_pretrained_weights(name):
  """To renew it: deblock-export --model=NAME --output=model/weights/NAME.onnx."""
  path = pretrained_files.network_path(name)
  file = network_file.read(path)
  stored = pretrained_files.manifest()[name]
  assert file.facts["weights_sha256"] == stored["sha256"]
  assert "CID22" in file.facts["trained_on"]
  network, entry = pretrained.load(name)
  function = exported_network._function(network, entry)
  exported = exported_network._read_onnx(path, entry)
  assert 0.0 < exported_network.compare(function, exported, entry) <= 1e-3
  # Bit by bit: the kernels are those of Keras, laid out otherwise.
  content = path.read_bytes()
  for variable in network.weights:
    values = variable.numpy()
    if values.ndim == 4 and values.size > 1000:
      assert np.ascontiguousarray(values.transpose(3, 2, 0, 1)).tobytes() in content, variable.path


def test_a_run_is_exported_with_its_settings_and_without_its_folders(small_run, tmp_path):
  settings = small_run(model="deblocknet_fast", width=4)
  network = registry.build(settings.model)
  optimizer = keras.optimizers.SGD(0.1)
  optimizer.build(network.trainable_variables)
  saver = checkpoints.Checkpoints(settings.train.logdir, network, optimizer, {})
  saver.step.assign(7)
  saver.save()
  run_file.save(settings)
  output = tmp_path / "deep" / "mine.onnx"
  made = exported_network.export(
    settings_lib.ExportConfig(logdir=settings.train.logdir, output=str(output))
  )
  assert made.path == output and made.step == 7
  facts = network_file.read(output).facts
  assert facts["step"] == 7 and facts["name"] == "run"
  assert facts["settings"]["model"]["width"] == 4
  assert facts["settings"]["train"]["max_steps"] == 4
  assert facts["trained_on"]["images"] == 5
  assert facts["trained_on"]["settings"]["qualities"] == [10, 20]
  assert str(tmp_path.parent).encode() not in output.read_bytes()


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"logdir": ""}, "logdir or model must be named"),
    ({"model": "fast"}, "logdir or model must be named"),
    ({"logdir": "", "model": "fats"}, "Did you mean fast?"),
    ({"output": ""}, "output is missing"),
    ({"output": "mine"}, "output must end with .onnx or .tflite, or use --format, got 'mine'"),
    ({"format": "torch"}, "format must be one of onnx, savedmodel, litert, got 'torch'"),
    ({"format": "onnx", "output": "m.tflite"}, "output must end with .onnx, got 'm.tflite'"),
    ({"checkpoint": "first"}, "checkpoint must be one of latest, best"),
    ({"weights": "all"}, "weights must be one of auto, raw, averaged, got 'all'"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=re.escape(message)):
    settings_lib.ExportConfig(**{"logdir": "l", "output": "o.onnx", **change})


@pytest.mark.parametrize(
  ("output", "form", "kind"),
  [("a.onnx", "", "onnx"), ("a.tflite", "", "litert"), ("a", "savedmodel", "savedmodel")],
)
def test_the_format_is_that_of_the_suffix_unless_named(output, form, kind):
  assert settings_lib.ExportConfig(logdir="l", output=output, format=form).kind == kind
