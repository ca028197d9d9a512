import dataclasses
import gzip
import json
import pathlib

import numpy as np
import pytest

from deblock.launch.portable import exported_step
from deblock.launch.portable import settings as settings_lib
from deblock.model import pretrained
from deblock.model.networks import config as model_config
from deblock.model.networks import deblocknet


def _settings(folder, **options):
  return settings_lib.StepConfig(
    output=str(folder), crop_size=16, batch_size=3, full_chroma=1, twice=1, **options
  )


def test_an_export_is_whole(tmp_path):
  exported_step.export(model_config.ModelConfig("deblocknet", width=8), _settings(tmp_path))
  expected = {variable.path: tuple(variable.shape) for variable in deblocknet.deblocknet(8).weights}
  with np.load(tmp_path / "initial.npz") as initial:
    assert {name: initial[name].shape for name in initial.files} == expected
  assert np.load(tmp_path / "tables.npy").shape == (101, 2, 8, 8)
  facts = json.loads((tmp_path / "layout.json").read_text())
  assert facts["model"]["model"] == "deblocknet"
  assert facts["layouts"] == [{"crop_size": 16, "batch_size": 3, "full_chroma": 1, "twice": 1}]
  for name in exported_step.RUNNER:
    written = pathlib.Path(exported_step.__file__).parents[1] / name
    assert (tmp_path / written.name).read_bytes() == written.read_bytes()
  for name, images in (("step", 6), ("fed", 4)):
    with gzip.open(tmp_path / f"{name}.mlir.gz", "rt") as stream:
      program = stream.read()
    signature = program.split("@main(", 1)[1].split(") ->", 1)[0]
    assert signature.count("%arg") == 4 * len(expected) + images + 4
    assert "bf16" in program
    # Products of the JPEG simulation are exact on any device.
    assert name != "step" or "precision = [DEFAULT" not in program
    assert "loc(" not in program


def test_an_export_starts_from_pretrained_weights_and_packs_images(tmp_path, monkeypatch):
  monkeypatch.setattr(exported_step, "_write", lambda *arguments: None)
  (tmp_path / "images").mkdir()
  for index in range(4):
    (tmp_path / "images" / f"{index}.png").write_bytes(bytes(400 * 1024))
  options = {"images": str(tmp_path / "images"), "images_mib": 1}
  settings = _settings(tmp_path / "programs", init_from="fast", **options)
  exported_step.export(model_config.ModelConfig("deblocknet_fast"), settings)
  trained, _ = pretrained.load("fast")
  with np.load(tmp_path / "programs" / "initial.npz") as initial:
    for variable in trained.weights:
      np.testing.assert_array_equal(initial[variable.path], variable)
  assert len(list((tmp_path / "programs" / "images").iterdir())) == 2
  with pytest.raises(ValueError, match="init_from default holds weights of deblocknet, not of"):
    settings = _settings(tmp_path, init_from="default")
    exported_step.export(model_config.ModelConfig("deblocknet_fast"), settings)


def test_crops_at_the_end_are_larger_and_have_as_many_pixels():
  first, late = settings_lib.StepConfig(output="x", late_crop_size=256).layouts()
  assert dataclasses.astuple(first) == (128, 32, 4, 5)
  assert dataclasses.astuple(late) == (256, 8, 1, 1)


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"output": ""}, "output must name a folder"),
    ({"output": "x", "precision": "int8"}, "precision must be one of float32, mixed_bfloat16, got"),
    ({"output": "x", "images_mib": 0}, "images_mib must be at least 1, got 0"),
    ({"output": "x", "late_crop_size": 12}, "crop_size must be a positive multiple of 8, got 12"),
    ({"output": "x", "crop_size": 12}, "crop_size must be a positive multiple of 8, got 12"),
  ],
)
def test_settings_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    settings_lib.StepConfig(**options)


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_images_that_are_not_there_are_missed_before_any_work(tmp_path, name):
  (tmp_path / "photo.jpg").touch()
  settings = _settings(tmp_path / "programs", images=str(tmp_path / name))
  with pytest.raises(FileNotFoundError, match="images must be a folder that holds WebP or PNG"):
    exported_step.export(model_config.ModelConfig("deblocknet_fast"), settings)
  assert not (tmp_path / "programs").exists()


def test_a_network_that_takes_no_tables_is_refused(tmp_path):
  with pytest.raises(ValueError, match="model must be one that takes the tables, got 'blockcnn'"):
    exported_step.export(model_config.ModelConfig("blockcnn"), _settings(tmp_path))
