"""What programs share, seen from outside: each runs as a process, several at a time."""

import configparser
import dataclasses
import os
import pathlib
import subprocess
import sys

import pytest

from deblock.launch.evaluation import selection
from deblock.launch.machines import serving
from deblock.launch.pictures import demo_sheet, gallery
from deblock.launch.pipeline_report import report as pipeline_report
from deblock.launch.portable import export as step_export
from deblock.launch.portable import weights as weights_export
from deblock.launch.restoring import restore_config
from deblock.launch.run_folder import run_table
from deblock.launch.settings import train as train_settings
from deblock.model.networks import config as model_config
from deblock.model.networks import registry
from deblock.pipeline import config as input_config
from deblock.records.planning import config as records_config

PARTS = {
  "build_records": (records_config.RecordsConfig,),
  "train": (model_config.ModelConfig, input_config.InputConfig, train_settings.TrainConfig),
  "runs": (run_table.RunsConfig,),
  "data_service": (serving.ServiceConfig,),
  "evaluate": (selection.SelectionConfig,),
  "compare": (gallery.CompareConfig,),
  "inspect_pipeline": (input_config.InputConfig, pipeline_report.ReportConfig),
  "restore": (restore_config.RestoreConfig,),
  "demo": (demo_sheet.DemoConfig,),
  "export_step": (model_config.ModelConfig, step_export.ExportConfig),
  "export_weights": (weights_export.WeightsConfig,),
}
# Runs where neither TensorFlow nor absl is, and needs JAX, which is not installed here.
STANDALONE = ("run_exported",)
MISTAKES = {
  "wrong value": (["train", "--records=r", "--logdir=l", "--crop_size=60"], "crop_size", "60"),
  "missing": (["build_records"], "records", "''"),
  "no names": (["restore", "--out=o"], "IN...", "--out=DIR"),
  "nothing asked for": (["inspect_pipeline", "--records=r"], "--benchmark", "--show"),
}
# Prints each error's exit status on standard output, and leaves its message on the other.
RAISING = """
from deblock.launch import program  # First: it keeps TensorFlow's greetings away.
import tensorflow as tf

for error in (
  ValueError("width must be at least 0, got -1."),
  PermissionError(13, "Permission denied", "/some/where"),
  RuntimeError("the download failed."),
  FloatingPointError("the loss is nan."),
  tf.errors.DataLossError(None, None, "corrupted record at 12\\n\\t [[{{node IteratorGetNext}}]]"),
):

  def main(arguments):
    raise error

  try:
    program.run(main)
  except SystemExit as end:
    print(end.code)
"""


def _script(program):
  """Returns the arguments that run a program as its console script does."""
  return ["-c", f"from deblock.launch import {program}; {program}.run()"]


def _module(program):
  return ["-m", f"deblock.launch.{program}"]


def _commands():
  commands = {f"help of {program}": [*_script(program), "--help"] for program in PARTS}
  commands["help of compare"] = [*_module("compare"), "--help"]  # One of them the other way.
  for name, ((program, *arguments), *_) in MISTAKES.items():
    commands[name] = [*_module(program), *arguments]
  commands["list of models"] = [*_script("train"), "--list_models"]
  commands["errors"] = ["-c", RAISING]
  commands["left over"] = [*_module("evaluate"), "--logdir=l", "--output=o", "photographs"]
  commands["left over before --"] = [*_module("build_records"), "--records=r", "photos", "--", "x"]
  return commands


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
  """Every command's finished process with its output, by name."""
  folder = tmp_path_factory.mktemp("programs")
  environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
  waiting, done = list(_commands().items()), {}
  while waiting:
    # Two at a time: each is busy importing TensorFlow.
    batch, waiting = waiting[:2], waiting[2:]
    running = {
      name: subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
      )
      for name, command in batch
    }
    for name, process in running.items():
      out, err = process.communicate(timeout=120)
      done[name] = subprocess.CompletedProcess(process.args, process.returncode, out, err)
  assert not list(folder.iterdir()), "a refused command left files"
  return done


def _assert_shows_every_flag(text, config_classes):
  words = " ".join(text.split())
  for config_class in config_classes:
    for field in dataclasses.fields(config_class):
      assert f"--{field.name}:" in words or f"--[no]{field.name}:" in words, field.name
      # absl breaks long lines, at hyphens too.
      assert field.metadata["help"].replace(" ", "") in words.replace(" ", ""), field.name


@pytest.mark.parametrize("program", PARTS)
def test_help_shows_every_flag_with_its_line_and_stops(finished, program):
  done = finished[f"help of {program}"]
  assert done.returncode in (0, 1)
  assert "Traceback" not in done.stderr
  assert done.stdout.startswith("deblock-"), "the words of the program itself come first"
  _assert_shows_every_flag(done.stdout, PARTS[program])


def test_the_programs_are_those_that_are_installed():
  settings = configparser.ConfigParser()
  settings.read(pathlib.Path(__file__).parents[2] / "setup.cfg")
  lines = settings["options.entry_points"]["console_scripts"].split()
  targets = {line for line in lines if line.startswith("deblock.launch.")}
  assert targets == {f"deblock.launch.{program}:run" for program in (*PARTS, *STANDALONE)}


def test_the_networks_are_listed_with_what_they_cost(finished):
  done = finished["list of models"]
  assert done.returncode == 0, done.stderr
  _, *lines = done.stdout.splitlines()
  assert [line.split()[0] for line in lines] == list(registry.names())
  assert all(registry.get(line.split()[0]).description in line for line in lines)
  figures = {line.split()[0]: line.split()[1:3] for line in lines}
  assert figures["deblocknet"] == ["473,452", "114.0"]
  assert figures["deblocknet_fast"] == ["242,960", "19.4"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_names_flag_and_value(finished, mistake):
  _, flag, value = MISTAKES[mistake]
  done = finished[mistake]
  assert done.returncode == 1
  assert done.stdout == ""
  (line,) = done.stderr.splitlines()
  assert flag in line and value in line


def test_each_error_is_one_line_without_its_origin(finished):
  done = finished["errors"]
  assert done.stdout.split() == ["1"] * 5
  lines = done.stderr.splitlines()
  messages = (
    "width must be at least 0",
    "/some/where",
    "the download failed",
    "the loss is nan",
    "corrupted record at 12",
  )
  for line, message in zip(lines, messages, strict=True):
    assert message in line and "Error" not in line


@pytest.mark.parametrize(
  ("name", "said"),
  [
    ("left over", "not understood: photographs"),
    # Only what follows the lone -- goes to Beam.
    ("left over before --", "not understood: photos x"),
  ],
)
def test_arguments_that_are_no_flags_are_refused(finished, name, said):
  done = finished[name]
  assert done.returncode not in (0, None)
  assert said in done.stdout + done.stderr
  assert "Traceback" not in done.stderr
