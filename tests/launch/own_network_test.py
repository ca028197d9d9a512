"""The network that docs/networks.md shows is trained, evaluated, exported and used."""

import pathlib
import re

import numpy as np

from deblock.launch.evaluation import figures, methods
from deblock.launch.portable import exported_network
from deblock.launch.portable import settings as export_settings
from deblock.launch.restoring import network as network_lib
from deblock.launch.training import loop
from deblock.records.jpeg import tables as jpeg_tables

_PAGE = pathlib.Path(__file__).parents[2] / "docs" / "networks.md"


def test_a_network_of_another_package_is_trained_evaluated_exported_and_used(
  small_run, picture, tmp_path, monkeypatch
):
  (example,) = re.findall(r"```python\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.S)
  assert len(example.splitlines()) <= 30
  (tmp_path / "my_networks").mkdir()
  (tmp_path / "my_networks" / "wide.py").write_text(example)
  monkeypatch.syspath_prepend(tmp_path)
  run = small_run(
    model="my_networks.wide:build",
    width=2,
    learning_rate=0.1,
    warmup_steps=0,
    evaluate_every_steps=0,
  )
  assert loop.train(run).step == 4

  (method,) = methods.load((), (run.train.logdir,))
  image = picture(40, 48)
  (row,) = figures.evaluate([method], [("a", image)], (10,))
  assert row.gain != 0.0

  output = str(tmp_path / "wide.onnx")
  exported = exported_network.export(
    export_settings.ExportConfig(logdir=run.train.logdir, output=output)
  )
  assert exported.difference < exported_network.LARGEST_DIFFERENCE
  tables = jpeg_tables.quantization_tables(10)
  restored = network_lib.load(output)(image, tables)
  difference = np.abs(restored.astype(int) - method.restore(image, tables))
  assert difference.max() <= 1 and restored.shape == image.shape
