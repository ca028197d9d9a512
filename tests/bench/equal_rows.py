"""The equal-time table: which rows are finished, how one is added, and the table as Markdown."""

import csv
import dataclasses
import math
import pathlib
import sys

QUALITIES = (10, 20, 30, 40)


@dataclasses.dataclass(frozen=True)
class Budget:
  """Training time that other jobs on the machine do not change: processor seconds.

  Attributes:
    seconds: the budget.
    began: CPU-seconds of the process when training began.
  """

  seconds: float
  began: float

  def share(self, now: float) -> float:
    """Returns the share of the budget that is spent at `now`, 0 to 1."""
    return min(1.0, max(0.0, (now - self.began) / self.seconds))


@dataclasses.dataclass(frozen=True)
class Row:
  """The result of one network.

  Attributes:
    network: its name, as `designs.build` takes it.
    minutes: its budget in CPU-minutes.
    seed: seed of weights, crops and qualities.
    qualities: qualities of the JPEGs in training.
    loss: training loss.
    parameters: number of trained parameters.
    macs: multiply-accumulates a pixel.
    steps: steps taken.
    megapixels: megapixels of crops seen.
    cpu_minutes: CPU-minutes taken.
    gain_q10: gain in PSNR over the JPEG at quality 10, in dB: mean of the validation images.
    gain_q20: the same at quality 20.
    gain_q30: the same at quality 30.
    gain_q40: the same at quality 40.
    command: the command that repeats it.
  """

  network: str
  minutes: float
  seed: int
  qualities: str
  loss: str
  parameters: int
  macs: int
  steps: int
  megapixels: float
  cpu_minutes: float
  gain_q10: float
  gain_q20: float
  gain_q30: float
  gain_q40: float
  command: str

  @property
  def key(self):
    """The settings that identify a row."""
    return (self.network, self.minutes, self.seed, self.qualities, self.loss, self.command)

  @property
  def mean(self) -> float:
    """The mean gain over qualities, in dB."""
    return sum(getattr(self, f"gain_q{quality}") for quality in QUALITIES) / len(QUALITIES)


def load(path: pathlib.Path) -> list[Row]:
  """Returns the finished rows; none if there is no file yet. Damaged ones are named on stderr.

  Raises:
    ValueError: if the file holds another table.
  """
  if not path.exists():
    return []
  rows = []
  with path.open(newline="") as stream:
    reader = csv.DictReader(stream)
    if reader.fieldnames != [field.name for field in dataclasses.fields(Row)]:
      raise ValueError(f"{path} is not a table of this benchmark: it has other columns.")
    for row in reader:
      try:
        rows.append(_row(row))
      except (ValueError, TypeError) as error:
        print(f"{path}, line {reader.line_num} is damaged: {error}", file=sys.stderr)
  return rows


def append(path: pathlib.Path, row: Row) -> None:
  """Adds a row. The file is replaced by one with a temporary name, so it is always whole.

  Damaged rows stay in it.
  """
  load(path)
  before = path.read_bytes().decode() if path.exists() else ""  # As they are, line ends too.
  temporary = path.with_name(f"{path.name}.tmp")
  with temporary.open("w", newline="") as stream:
    writer = csv.DictWriter(stream, [field.name for field in dataclasses.fields(Row)])
    if before:
      stream.write(f"{before.rstrip()}\r\n")
    else:
      writer.writeheader()
    writer.writerow(dataclasses.asdict(row))
  temporary.replace(path)


def _row(values):
  row = Row(**{field.name: field.type(values.pop(field.name)) for field in dataclasses.fields(Row)})
  if values:
    raise ValueError("it has more columns than the first line")
  for name, value in dataclasses.asdict(row).items():
    if isinstance(value, float) and not math.isfinite(value):
      raise ValueError(f"{name} must be a finite number, got {value}")
  return row


def markdown(rows) -> str:
  """Returns the table as Markdown, the best mean gain first."""
  lines = [
    "| network | parameters | kMAC a pixel | steps | megapixels | CPU-min | loss | seed | "
    + " | ".join(f"q{quality}" for quality in QUALITIES)
    + " | mean |",
    "|" + "--|" * (9 + len(QUALITIES)),
  ]
  for row in sorted(rows, key=lambda row: -row.mean):
    gains = " | ".join(f"{getattr(row, f'gain_q{quality}'):+.3f}" for quality in QUALITIES)
    lines.append(
      f"| `{row.network}` | {row.parameters:,} | {row.macs / 1e3:.1f} | {row.steps:,} | "
      f"{row.megapixels:.1f} | {row.cpu_minutes:.1f} | {row.loss} | {row.seed} | {gains} | "
      f"{row.mean:+.3f} |"
    )
  return "\n".join(lines)
