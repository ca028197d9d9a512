"""Runs a benchmark by its name: python tests/bench [PART [VARIABLE=VALUE ...]].

`make bench PART=NAME` runs this. Without a part it prints all of them, one line each.
"""

import dataclasses
import pathlib
import string
import subprocess
import sys


@dataclasses.dataclass(frozen=True)
class Part:
  """A benchmark.

  Attributes:
    line: what it measures, for the list.
    script: file name beside this one.
    arguments: the script's arguments, in which {NAME} stands for a variable. An argument whose
      variable is not given is left out; "{SUB}" and "{MODELS}" become one argument for each word.
    subs: what SUB may pick; empty if there is no choice.
    needs: variables that must be given.
  """

  line: str
  script: str
  arguments: tuple[str, ...] = ()
  subs: tuple[str, ...] = ()
  needs: tuple[str, ...] = ()

  @property
  def variables(self) -> set[str]:
    """The names of the variables that the arguments use."""
    return {name for argument in self.arguments for name in _names(argument)}


PARTS = {
  "records": Part(
    "the writer of records: speed, memory, growth (25 min)",
    "writing.py",
    ("{WORKDIR}/bench-records", "{SUB}"),
    ("throughput", "workers", "memory", "growth", "planning", "encodings"),
  ),
  "records-kills": Part(
    "20 kills of the writer of records (10 min)", "killing.py", ("{WORKDIR}/bench-records",)
  ),
  "many-files": Part(
    "memory and open files while 10,000 photographs are restored", "many.py", ("--count={COUNT}",)
  ),
  "stopping": Part(
    "20 stops each of restoring, records, evaluation and comparison (20 min)",
    "stopping.py",
    ("{WORKDIR}/bench-stopping", "--count={COUNT}", "--seed={SEED}"),
  ),
  "pipeline": Part(
    "the input pipeline beside other loaders and beside training (20 min)",
    "pipeline.py",
    ("{WORKDIR}/bench-pipeline", "{SUB}", "--images={IMAGES}"),
    ("crops", "pairs", "scaling", "starving"),
  ),
  "pipeline-jpeg": Part(
    "JPEG as tensor operations against libjpeg", "jpegsim.py", ("{IMAGES}",), needs=("IMAGES",)
  ),
  "training": Part(
    "training steps beside PyTorch, and what the loop adds",
    "training.py",
    ("{WORKDIR}/bench-train", "{SUB}", "--torch={TORCH}"),
    ("steps", "overhead", "memory"),
  ),
  "training-kills": Part(
    "20 kills of a training run, and what a checkpoint costs (5 min)",
    "interrupting.py",
    ("{WORKDIR}/bench-kills",),
  ),
  "training-replicas": Part(
    "two replicas against one device with the same batch (3 min)", "replicas.py", ("{MODELS}",)
  ),
  "training-trimming": Part("training steps with trimmed memory", "trimming.py"),
  "training-xla": Part(
    "training steps with and without XLA (10 min)", "compiling.py", ("{MODELS}",)
  ),
  "networks": Part(
    "speed, memory and size of every network, two beside PyTorch",
    "networks.py",
    ("--torch={TORCH}",),
  ),
  "networks-equal-time": Part(
    "networks trained for the same CPU-minutes; finished rows are kept",
    "equal_time.py",
    (
      "--workdir={WORKDIR}/equal-time",
      "--images={IMAGES}",
      "--valid={VALID}",
      "--minutes={MINUTES}",
      "--seed={SEED}",
      "--models={MODELS}",
      "--count={COUNT}",
      "--loss={LOSS}",
      "--crop={CROP}",
      "--rate={RATE}",
      "--threads={THREADS}",
    ),
    needs=("IMAGES", "VALID"),
  ),
  "networks-kodak": Part(
    "the Kodak network and ours, trained for the same minutes",
    "kodak.py",
    (
      "--workdir={WORKDIR}/bench-kodak",
      "--images={IMAGES}",
      "--minutes={MINUTES}",
      "--full={FULL}",
    ),
  ),
  "restoring": Part(
    "deblock-restore: fidelity, speed, memory, a peer (40 min)",
    "restore.py",
    ("{SUB}", "--images={IMAGES}", "--count={COUNT}", "--torch={TORCH}"),
    ("fidelity", "speed", "memory", "peers"),
  ),
  "restoring-runtime": Part(
    "pixels of the exported networks beside Keras' (30 min)",
    "runtime.py",
    ("{IMAGES}", "--count={COUNT}"),
    needs=("IMAGES",),
  ),
  "start": Part(
    "CPU-seconds and memory of whole commands, beside another version's",
    "start.py",
    ("--beside={BESIDE}",),
  ),
  "page": Part(
    "the page for browsers: bytes, speed beside deblock-restore, two runtimes",
    "page.py",
    ("{SUB}", "--beside={BESIDE}"),
    ("bytes", "speed", "runtimes"),
  ),
  "restoring-cells": Part(
    "CPU-seconds of holding an image to its cells", "cells.py", ("{IMAGES}",), needs=("IMAGES",)
  ),
  "restoring-blocks": Part("BlockCNN block by block and in tiles", "blocks.py"),
  "quality": Part(
    "gains of the pretrained weights, beside filters and by kind of damage",
    "quality.py",
    ("{SUB}", "--images={IMAGES}", "--count={COUNT}", "--ensemble={ENSEMBLE}"),
    ("rivals", "damages"),
    needs=("IMAGES",),
  ),
  "evaluating": Part(
    "CPU-seconds of evaluating images, in the network and outside (5 min)",
    "evaluating.py",
    ("{IMAGES}", "{MODELS}", "--count={COUNT}"),
    needs=("IMAGES",),
  ),
  "rate": Part(
    "bytes against quality: JPEG restored or not, WebP, AVIF (30 min for 24 images)",
    "rate.py",
    ("{WORKDIR}/bench-rate", "--images={IMAGES}", "--count={COUNT}"),
    needs=("IMAGES",),
  ),
  "rate-tables": Part(
    "which quantisation tables give the most restored PSNR a byte (15 min)",
    "rate_tables.py",
    ("{IMAGES}", "--count={COUNT}", "--models", "{MODELS}"),
    needs=("IMAGES", "MODELS"),
  ),
  "ssimulacra2": Part(
    "our SSIMULACRA 2 beside its reference, the program BESIDE",
    "ssimulacra2.py",
    ("{IMAGES}", "{BESIDE}", "--count={COUNT}"),
    needs=("IMAGES", "BESIDE"),
  ),
  "quality-expectation": Part(
    "the fit of the expectation inside the cells, and its gains",
    "expectation.py",
    ("{IMAGES}", "--count={COUNT}"),
    needs=("IMAGES",),
  ),
  "contents": Part(
    "gains on photographs, text, comics, dithers, ..., coefficients given back, graphics (15 min)",
    "contents.py",
    ("{SUB}", "--images={IMAGES}", "--models={MODELS}", "--count={COUNT}", "--seed={SEED}"),
    ("contents", "graphics"),
  ),
  "house": Part("folders, files, rooms and imports of a git revision", "house.py", ("{REVISION}",)),
}


def _names(argument: str) -> list[str]:
  return [name for _, name, _, _ in string.Formatter().parse(argument) if name]


def listing() -> str:
  """Returns a line for each part: its name, what it measures, and the variables that it takes."""
  width = max(map(len, PARTS))
  lines = ["make bench PART=NAME [VARIABLE=VALUE ...]"]
  for name, part in PARTS.items():
    taken = [
      f"SUB={','.join(part.subs)}" if variable == "SUB" else variable
      for variable in sorted(part.variables - {"WORKDIR"})
    ]
    variables = f" [{' '.join(taken)}]" if taken else ""
    lines.append(f"  {name:<{width}}  {part.line}{variables}")
  return "\n".join(lines)


def command(name: str, variables: dict[str, str]) -> list[str]:
  """Returns the script and the arguments of a part.

  Raises:
    ValueError: if there is no such part, it does not take one of the variables, needs another, or
      SUB picks what is not there.
  """
  if name not in PARTS:
    raise ValueError(f"PART must be one of {', '.join(PARTS)}, got {name!r}.")
  part = PARTS[name]
  variables = {"WORKDIR": "runs/quickstart", **variables}
  if unknown := sorted(variables.keys() - part.variables - {"WORKDIR"}):
    raise ValueError(f"PART={name} does not take {', '.join(unknown)}.")
  if missing := [variable for variable in part.needs if not variables.get(variable)]:
    raise ValueError(f"PART={name} needs {', '.join(missing)}.")
  picked = variables.get("SUB", "").replace(",", " ").split()
  if unknown := sorted(set(picked) - set(part.subs)):
    raise ValueError(f"SUB must be some of {', '.join(part.subs)}, got {', '.join(unknown)}.")
  made = [part.script]
  for argument in part.arguments:
    if any(not variables.get(variable) for variable in _names(argument)):
      continue
    if argument == "{SUB}":
      made += picked
    elif argument == "{MODELS}":
      made += variables["MODELS"].split()
    else:
      made.append(argument.format_map(variables))
  return made


def main(arguments: list[str]) -> int:
  """Runs the named part, or prints all."""
  if not arguments:
    print(listing())
    return 0
  name, *pairs = arguments
  try:
    script, *options = command(name, dict(pair.split("=", 1) for pair in pairs))
  except ValueError as error:
    print(f"bench: {error}", file=sys.stderr)
    return 2
  path = pathlib.Path(__file__).with_name(script)
  return subprocess.run([sys.executable, path, *options]).returncode


if __name__ == "__main__":
  sys.exit(main(sys.argv[1:]))
