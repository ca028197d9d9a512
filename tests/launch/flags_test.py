import dataclasses

from absl import flags as absl_flags
import pytest

from deblock.launch import flags
from deblock.launch.evaluation import settings as evaluation_settings
from deblock.launch.machines import serving
from deblock.launch.settings import train as train_settings
from deblock.records.planning import config as records_config

TRAINING = tuple(train_settings.PARTS.values())


def _field(default):
  return dataclasses.field(default=default, metadata={"help": "what it means"})


@dataclasses.dataclass(frozen=True)
class EveryType:
  text: str = _field("some")
  number: int = _field(3)
  share: float = _field(0.1)
  on: bool = _field(True)
  off: bool = _field(False)
  numbers: tuple[int, ...] = _field((1, 2))
  no_numbers: tuple[int, ...] = _field(())
  words: tuple[str, ...] = _field(("a", "b"))

  def __post_init__(self):
    if self.number < 0:
      raise ValueError(f"number must be at least 0, got {self.number}.")


def _parsed(*arguments, classes=(EveryType,)):
  values = absl_flags.FlagValues()
  for config_class in classes:
    flags.define(config_class, values)
  values(["program", *arguments])
  return [flags.parse(config_class, values) for config_class in classes]


def _as_arguments(settings):
  for field in dataclasses.fields(settings):
    value = getattr(settings, field.name)
    if isinstance(value, tuple):
      value = ",".join(str(item) for item in value)
    yield f"--{field.name}={value}"


def test_defaults_survive():
  assert _parsed() == [EveryType()]


def test_every_type_goes_to_the_command_line_and_back():
  settings = EveryType(
    text="with space, comma",
    number=-0,
    share=1e-3,
    on=False,
    off=True,
    numbers=(),
    no_numbers=(7,),
    words=("c",),
  )
  assert _parsed(*_as_arguments(settings)) == [settings]


def test_values_have_the_types_of_their_fields():
  (settings,) = _parsed("--share=1", "--numbers=10", "--noon", "--off")
  assert isinstance(settings.share, float) and settings.share == 1.0
  assert settings.numbers == (10,) and isinstance(settings.numbers[0], int)
  assert settings.on is False and settings.off is True


def test_ranges_stand_for_the_numbers_in_them():
  (settings,) = _parsed("--numbers=3,5-8,10-30:10,-4,7")
  assert settings.numbers == (3, 5, 6, 7, 8, 10, 20, 30, -4, 7)


def test_a_list_item_that_is_no_number_is_named():
  with pytest.raises(ValueError, match=r"numbers must be whole numbers or ranges .*, got 'x'"):
    _parsed("--numbers=10,x")


def test_the_dataclass_has_the_last_word():
  with pytest.raises(ValueError, match="number must be at least 0, got -1"):
    _parsed("--number=-1")


def test_the_parts_of_a_training_run_can_be_defined_together():
  assert _parsed(classes=TRAINING) == [config_class() for config_class in TRAINING]


def test_every_field_of_a_training_run_has_its_flag():
  settings = [config_class() for config_class in TRAINING]
  arguments = [argument for part in settings for argument in _as_arguments(part)]
  assert _parsed(*arguments, classes=TRAINING) == settings


@pytest.mark.parametrize(
  "config_class", [records_config.RecordsConfig, evaluation_settings.SelectionConfig]
)
def test_folders_that_must_be_named_are_all_that_must_be_given(config_class):
  given = dict.fromkeys(("records", "logdir", "output"), "somewhere")
  given = {name: folder for name, folder in given.items() if hasattr(config_class, name)}
  arguments = [f"--{name}={folder}" for name, folder in given.items()]
  if config_class is evaluation_settings.SelectionConfig:
    given["logdir"] = ("somewhere",)  # One of several.
  assert _parsed(*arguments, classes=(config_class,)) == [config_class(**given)]


@pytest.mark.parametrize(
  "config_class",
  [
    *TRAINING,
    records_config.RecordsConfig,
    evaluation_settings.SelectionConfig,
    serving.ServiceConfig,
  ],
)
def test_every_flag_says_what_it_means(config_class):
  values = absl_flags.FlagValues()
  flags.define(config_class, values)
  for field in dataclasses.fields(config_class):
    assert values[field.name].help == field.metadata["help"] != ""
