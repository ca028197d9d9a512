"""run.json: the settings of a run, in its folder."""

import dataclasses
import json
import pathlib
from typing import Any

from deblock.launch.run_folder import history
from deblock.launch.settings import train as train_settings
from deblock.records import json_text, option, typed_values
from deblock.records.layout import files

FILE = "run.json"


def save(run: train_settings.RunConfig) -> None:
  """Writes the settings into the run's folder.

  Raises:
    OSError: if the folder cannot be written.
  """
  path = pathlib.Path(run.train.logdir) / FILE
  files.write_text(path, json.dumps(dataclasses.asdict(run), indent=2) + "\n")


def load(logdir: str) -> train_settings.RunConfig:
  """Returns the settings of the run in a folder.

  Settings are found by their name, in whatever part of the file: older runs keep all but those of
  the network and of its input in one part, "train". Missing settings have their defaults.

  Raises:
    FileNotFoundError: if there is no run.
    ValueError: if its settings cannot be read.
  """
  path = pathlib.Path(logdir) / FILE
  if not path.exists():
    raise FileNotFoundError(f"{logdir} holds no run: it has no {FILE}. Train one there first.")
  parts = files.read_json(dict[str, dict[str, Any]], path)
  missing = [name for name in ("model", "input", "train") if name not in parts]
  if missing:
    raise ValueError(f"{path} does not hold the settings of a run: it has no {missing[0]}.")
  values = {name: value for part in parts.values() for name, value in part.items()}
  unknown = sorted(values.keys() - train_settings.KINDS.keys())
  if unknown:
    names = ", ".join(json_text.quoted(name) for name in unknown)
    raise ValueError(f"{path} does not hold the settings of a run: a run has no settings {names}.")
  checked = {
    name: typed_values.build(train_settings.KINDS[name], value, f"{path}: {name}")
    for name, value in values.items()
  }
  try:
    return train_settings.run_of(checked)
  except ValueError as error:
    raise ValueError(f"{path} does not hold the settings of a run: {error}") from error


def check_continues(run: train_settings.RunConfig) -> None:
  """Checks that the run in the folder, if there is one, was started with these settings.

  Raises:
    ValueError: naming each setting that differs, with both values; or figures of no run of ours.
  """
  if not (pathlib.Path(run.train.logdir) / FILE).exists():
    if (pathlib.Path(run.train.logdir) / history.FILE).exists():
      raise ValueError(
        f"{run.train.logdir} holds {history.FILE} of another program and no {FILE}: choose another "
        "--logdir."
      )
    return
  before = train_settings.settings_of(load(run.train.logdir))
  differences = [
    f"{name} was {_shown(before[name])}, now {_shown(value)}"
    for name, value in train_settings.settings_of(run).items()
    if not train_settings.is_free(name) and before[name] != value
  ]
  if differences:
    raise ValueError(
      f"{run.train.logdir} holds a run with other settings ({'; '.join(differences)}): continue it "
      "with its own settings, or choose another --logdir."
    )


def _shown(value):
  return option.text(value) or "empty"
