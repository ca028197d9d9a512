import gzip
import json

import numpy as np
import pytest

from deblock.launch.portable import exported_step
from deblock.launch.portable import settings as settings_lib
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
  assert facts["layout"] == {"crop_size": 16, "batch_size": 3, "full_chroma": 1, "twice": 1}
  assert "import jax" in (tmp_path / "run_exported.py").read_text()
  with gzip.open(tmp_path / "step.mlir.gz", "rt") as stream:
    program = stream.read()
  signature = program.split("@main(", 1)[1].split(") ->", 1)[0]
  assert signature.count("%arg") == 4 * len(expected) + 10
  assert "bf16" in program
  # Products of the JPEG simulation are exact on any device.
  assert "precision = [DEFAULT" not in program
  assert "loc(" not in program


@pytest.mark.parametrize(
  ("options", "message"),
  [
    ({"output": ""}, "output must name a folder"),
    ({"output": "x", "precision": "int8"}, "precision must be one of float32, mixed_bfloat16, got"),
    ({"output": "x", "crop_size": 12}, "crop_size must be a positive multiple of 8, got 12"),
  ],
)
def test_settings_out_of_range_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    settings_lib.StepConfig(**options)


def test_a_network_that_takes_no_tables_is_refused(tmp_path):
  with pytest.raises(ValueError, match="model must be one that takes the tables, got 'blockcnn'"):
    exported_step.export(model_config.ModelConfig("blockcnn"), _settings(tmp_path))
