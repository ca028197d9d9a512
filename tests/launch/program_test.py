"""What programs share, seen from outside. Most run in this process, some in one of their own."""

import configparser
import dataclasses
import pathlib
import subprocess
import sys

from absl import flags
import pytest
import tensorflow as tf

from deblock.launch import program as program_lib
from deblock.launch.compressing import compress_config
from deblock.launch.evaluation import settings as evaluation_settings
from deblock.launch.machines import serving
from deblock.launch.page import settings as page_settings
from deblock.launch.pictures import settings as picture_settings
from deblock.launch.pipeline_report import settings as pipeline_settings
from deblock.launch.portable import settings as export_settings
from deblock.launch.restoring import restore_config
from deblock.launch.run_folder import run_table
from deblock.launch.settings import train as train_settings
from deblock.model.networks import config as model_config
from deblock.model.networks import registry
from deblock.pipeline import config as input_config
from deblock.records.planning import config as records_config

PARTS = {
  "build_page": (page_settings.PageConfig,),
  "build_records": (records_config.RecordsConfig,),
  "train": tuple(train_settings.PARTS.values()),
  "runs": (run_table.RunsConfig,),
  "data_service": (serving.ServiceConfig,),
  "evaluate": (evaluation_settings.EvaluateConfig,),
  "compare": (picture_settings.CompareConfig,),
  "inspect_pipeline": (input_config.InputConfig, pipeline_settings.ReportConfig),
  "restore": (restore_config.RestoreConfig,),
  "compress": (compress_config.CompressConfig,),
  "demo": (picture_settings.DemoConfig,),
  "export": (export_settings.ExportConfig,),
  "export_step": (model_config.ModelConfig, export_settings.StepConfig),
  "export_weights": (export_settings.WeightsConfig,),
}
# Runs where neither TensorFlow nor absl is, and needs JAX, which is not installed here.
STANDALONE = ("run_exported",)
MISTAKES = {
  "wrong value": (["train", "--records=r", "--logdir=l", "--crop_size=60"], ["crop_size", "60"]),
  "missing": (["build_records"], ["records", "''"]),
  "no names": (["restore", "--out=o"], ["IN...", "--out=DIR"]),
  "nothing asked for": (["inspect_pipeline", "--records=r"], ["--benchmark", "--show"]),
  "unknown flag": (["runs", "--fromat=csv"], ["'fromat'", "format", "--help"]),
  "no flag": (["evaluate", "--logdir=l", "--output=o", "photos"], ["not understood: photos;"]),
  # Only what follows the lone -- goes to Beam.
  "no flag before --": (
    ["build_records", "--records=r", "photos", "--", "x"],
    ["not understood: photos x;"],
  ),
}


def _process(folder, *command):
  """Runs Python in a process of its own, where nothing of the project is imported yet."""
  return subprocess.run(
    [sys.executable, *command],
    cwd=folder,
    capture_output=True,
    text=True,
    timeout=120,
  )


def _assert_shows_every_flag(text, config_classes):
  words = " ".join(text.split())
  for config_class in config_classes:
    for field in dataclasses.fields(config_class):
      assert f"--{field.name}:" in words or f"--[no]{field.name}:" in words, field.name
      # absl breaks long lines, at hyphens too.
      assert field.metadata["help"].replace(" ", "") in words.replace(" ", ""), field.name


def _assert_is_help(done, name):
  assert (done.returncode, done.stderr) == (0, "")
  assert done.stdout.startswith("deblock-"), "the words of the program itself come first"
  _assert_shows_every_flag(done.stdout, PARTS[name])


@pytest.mark.parametrize("name", PARTS)
def test_help_shows_every_flag_with_its_line_and_returns_zero(program, name):
  _assert_is_help(program(name, "--help"), name)


def test_help_is_the_same_by_module_in_a_process_of_its_own(tmp_path):
  _assert_is_help(
    _process(tmp_path, "-m", "deblock.launch.build_records", "--help"), "build_records"
  )
  assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_help_ends_in_silence_when_its_reader_leaves(tmp_path):
  command = [sys.executable, "-m", "deblock.launch.runs", "--help"]
  pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
  with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as process:
    process.stdout.close()
    assert process.stderr.read() == ""
  assert process.returncode == 0


def test_the_programs_are_those_that_are_installed():
  settings = configparser.ConfigParser()
  settings.read(pathlib.Path(__file__).parents[2] / "setup.cfg")
  lines = settings["options.entry_points"]["console_scripts"].split()
  targets = {line for line in lines if line.startswith("deblock.launch.")}
  assert targets == {f"deblock.launch.{program}:run" for program in (*PARTS, *STANDALONE)}


def test_all_programs_can_be_imported_into_one_process(program_module):
  defined = set(flags.FLAGS)
  for name in PARTS:
    program_module(name)
  assert set(flags.FLAGS) == defined


def test_networks_are_listed_with_what_they_cost(program, monkeypatch):
  listed = {name: registry.get(name) for name in ("deblocknet", "deblocknet_fast")}
  monkeypatch.setattr(registry, "_ENTRIES", listed)
  done = program("train", "--list_models")
  assert done.returncode == 0, done.stderr
  _, *lines = done.stdout.splitlines()
  figures = {line.split()[0]: line.split()[1:3] for line in lines}
  assert figures == {"deblocknet": ["473,452", "114.0"], "deblocknet_fast": ["242,960", "19.4"]}


def _assert_is_one_line(done, said):
  assert done.returncode == 1
  assert done.stdout == ""
  (line,) = done.stderr.splitlines()
  assert [text for text in said if text not in line] == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_that_names_flag_and_value(program, mistake, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  arguments, said = MISTAKES[mistake]
  _assert_is_one_line(program(*arguments), said)
  assert not list(tmp_path.iterdir()), "a refused command left files"


def test_a_console_script_says_nothing_but_the_mistake(tmp_path):
  (name, *arguments), said = MISTAKES["wrong value"]
  script = f"from deblock.launch import {name}; {name}.run()"
  _assert_is_one_line(_process(tmp_path, "-c", script, *arguments), said)
  assert not list(tmp_path.iterdir()), "a refused command left files"


@pytest.mark.parametrize(
  "arguments",
  [
    ("build_records", "--records=r", "--images=i"),
    ("build_records", "--inspect=r"),
    ("inspect_pipeline", "--records=r", "--benchmark"),
    ("data_service", "--role=local"),
    ("export", "--model=default", "--output=o.onnx"),
    ("train", "--list_models"),
    ("train", "--records=r", "--logdir=l", "--strategy=cpu"),
  ],
)
def test_programs_that_compute_on_the_cpu_leave_the_gpus_to_others(program, monkeypatch, arguments):
  def start(gpus=True):
    raise ValueError(f"gpus: {gpus}")

  monkeypatch.setattr(program_lib, "start_tensorflow", start)
  assert program(*arguments).stderr.endswith(": gpus: False\n")


@pytest.mark.parametrize(
  ("error", "message"),
  [
    (ValueError("width must be at least 0, got -1."), "width must be at least 0, got -1."),
    (PermissionError(13, "Permission denied", "/a"), "[Errno 13] Permission denied: '/a'"),
    (RuntimeError("the download failed."), "the download failed."),
    (FloatingPointError("the loss is nan."), "the loss is nan."),
    (
      tf.errors.DataLossError(
        None, None, "corrupted record at 12\n\t [[{{node IteratorGetNext}}]]"
      ),
      "corrupted record at 12",
    ),
  ],
)
def test_each_error_is_one_line_without_its_origin(program, monkeypatch, error, message):
  def fail(table):
    raise error

  monkeypatch.setattr(run_table, "find", fail)
  done = program("runs", "folder")
  assert (done.returncode, done.stdout) == (1, "")
  assert done.stderr == f"deblock-runs: {message}\n"


def test_an_error_of_the_program_itself_keeps_its_traceback(program, monkeypatch):
  monkeypatch.setattr(run_table, "find", lambda folder: {}["no such key"])
  with pytest.raises(KeyError):
    program("runs", "folder")
