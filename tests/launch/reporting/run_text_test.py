import getpass
import os
import pathlib
import platform

from absl import flags
import tensorflow as tf

from deblock.launch import flags as config_flags
from deblock.launch.reporting import run_text
from deblock.launch.settings import train as train_settings
from deblock.model.networks import config as model_config
from deblock.pipeline import config as input_config

PARTS = (model_config.ModelConfig, input_config.InputConfig, train_settings.TrainConfig)


def test_the_settings_are_flags_that_make_the_same_run(small_run):
  run = small_run(learning_rate=0.125, qualities=(10, 20), max_minutes=1.5)
  lines = run_text.settings(run).splitlines()
  assert all(line.startswith("    --") for line in lines)
  values = flags.FlagValues()
  for part in PARTS:
    config_flags.define(part, values)
  values(["program", *(line.strip() for line in lines)])
  assert train_settings.RunConfig(*(config_flags.parse(part, values) for part in PARTS)) == run


def test_the_environment_names_versions_and_devices():
  found = run_text.describe(tf.distribute.OneDeviceStrategy("/cpu:0"))
  assert found["tensorflow"] == tf.__version__
  assert found["Python"] == platform.python_version()
  assert "CPU:0" in found["devices"]
  assert found["cores"].endswith(f"of {os.cpu_count()}")
  assert found["strategy"].startswith("OneDeviceStrategy")


def test_the_environment_does_not_tell_who_and_where():
  text = run_text.environment(tf.distribute.OneDeviceStrategy("/cpu:0"))
  told = [cell.strip() for line in text.splitlines() for cell in line.split("|")]
  assert platform.node() not in told and getpass.getuser() not in told
  assert str(pathlib.Path.home()) == "/" or str(pathlib.Path.home()) not in text


def test_a_package_that_is_missing_is_no_error(monkeypatch):
  monkeypatch.setattr(run_text, "_PACKAGES", ("no-such-package",))
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  assert run_text.describe(strategy)["no-such-package"] == "not installed"


def test_the_environment_is_a_table_of_markdown():
  lines = run_text.environment(tf.distribute.OneDeviceStrategy("/cpu:0")).splitlines()
  assert lines[1] == "|---|---|"
  assert all(line.count("|") == 3 for line in lines)
