import getpass
import html
import os
import pathlib
import platform
import re
import warnings

from absl import flags
from tensorboard.plugins.hparams import metadata
import tensorflow as tf

from deblock.launch import flags as config_flags
from deblock.launch.reporting import run_text
from deblock.launch.settings import train as train_settings


def test_the_settings_are_flags_that_make_the_same_run(small_settings):
  run = small_settings(learning_rate=0.125, qualities=(10, 20), max_minutes=1.5)
  lines = run_text.settings(run).splitlines()
  assert all(line.startswith("    --") for line in lines)
  values = flags.FlagValues()
  for part in train_settings.PARTS.values():
    config_flags.define(part, values)
  values(["program", *(line.strip() for line in lines)])
  parts = train_settings.PARTS.values()
  assert train_settings.RunConfig(*(config_flags.parse(part, values) for part in parts)) == run


def test_the_environment_names_versions_and_devices():
  found = run_text.describe(tf.distribute.OneDeviceStrategy("/cpu:0"))
  assert found["tensorflow"] == tf.__version__
  assert found["Python"] == platform.python_version()
  assert "CPU:0" in found["devices"]
  assert found["cores"].endswith(f"of {os.cpu_count()}")
  assert found["strategy"].startswith("OneDeviceStrategy")


def test_the_environment_names_neither_user_nor_machine():
  text = run_text.environment(tf.distribute.OneDeviceStrategy("/cpu:0"))
  cells = [cell.strip() for line in text.splitlines() for cell in line.split("|")]
  assert platform.node() not in cells and getpass.getuser() not in cells
  assert str(pathlib.Path.home()) == "/" or str(pathlib.Path.home()) not in text


def test_a_package_that_is_missing_is_no_error(monkeypatch):
  monkeypatch.setattr(run_text, "_PACKAGES", ("no-such-package",))
  strategy = tf.distribute.OneDeviceStrategy("/cpu:0")
  assert run_text.describe(strategy)["no-such-package"] == "not installed"


def test_the_environment_is_a_table_of_markdown():
  lines = run_text.environment(tf.distribute.OneDeviceStrategy("/cpu:0")).splitlines()
  assert lines[1] == "|---|---|"
  assert all(line.count("|") == 3 for line in lines)


def _content(serialised):
  summary = tf.compat.v1.Summary.FromString(serialised)
  return summary.value[0].metadata.plugin_data.content


def test_a_session_opens_with_the_settings_that_decide_and_those_that_were_changed(small_settings):
  run = small_settings(logdir="sweep/wide", qualities=(10, 20), log_every_steps=4)
  start = metadata.parse_session_start_info_plugin_data(_content(run_text.session_start(run)))
  found = {name: value.WhichOneof("kind") for name, value in start.hparams.items()}
  assert found["model"] == found["loss"] == found["qualities"] == "string_value"
  assert found["learning_rate"] == found["width"] == found["max_steps"] == "number_value"
  assert start.hparams["qualities"].string_value == "10,20"
  assert start.hparams["batch_size"].number_value == 4
  assert start.group_name == "sweep/wide"
  # Neither defaults, nor folders, nor settings that do not change what is learnt.
  assert not {"schedule", "records", "logdir", "log_every_steps"} & found.keys()


def test_a_session_ends_well_or_not():
  ends = [_content(run_text.session_end(succeeded)) for succeeded in (True, False)]
  well, badly = (metadata.parse_session_end_info_plugin_data(end) for end in ends)
  assert well.status != badly.status
  assert well.end_time_secs > 1e9


def test_tensorboard_shows_names_as_they_are(small_settings, monkeypatch):
  with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # TensorBoard's sanitizer is deprecated by its own authors.
    from tensorboard import plugin_util
  hostile = "a\n\n# b <img src=x> [c](http://d.example) \x1b]0;e\x07 \u202e | `f`"
  run = small_settings(records=hostile)
  monkeypatch.setattr(run_text, "describe", lambda strategy: {"devices": hostile})
  for text, tags in (
    (run_text.settings(run), {"pre", "code"}),
    (run_text.environment(None), {"table", "thead", "tbody", "tr", "th", "td"}),
  ):
    page = plugin_util.markdown_to_safe_html(text)
    assert set(re.findall(r"<(\w+)", page)) == tags
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert r"a\n\n# b <img src=x> [c](http://d.example) \x1b]0;e\x07 \u202e | `f`" in shown
