"""The layout in figures: folders, lengths of files, rooms, and imports between them.

make bench PART=house REVISION=COMMIT

Counts the Python files of a git revision, or of the working tree without one. Lengths are in lines;
`__init__.py` files are not counted. An arrow means that one room imports another.
"""

import argparse
import importlib.util
import io
import itertools
import pathlib
import statistics
import subprocess
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
SHORT = 60


def architecture():
  """Returns the module tests/architecture_test.py, which knows the rooms' imports."""
  path = ROOT / "tests" / "architecture_test.py"
  spec = importlib.util.spec_from_file_location("architecture_test", path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def table(root, layout):
  """Returns the figures of a tree as text.

  Args:
    root: folder of the tree.
    layout: the module `architecture_test`.
  """
  lines = [f"{'folder':<24} {'modules':>7} {'median lines':>12} {f'under {SHORT}':>8}"]
  everything, rooms = [], []
  for package in layout.PACKAGES:
    folders = sorted({path.parent for path in (root / package).rglob("__init__.py")})
    for folder in folders:
      lengths = [
        len(path.read_text(encoding="utf-8").splitlines())
        for path in folder.glob("*.py")
        if path.stem != "__init__"
      ]
      name = ".".join(folder.relative_to(root).parts)
      rooms.append(name)
      everything += lengths
      lines.append(_row(name, lengths))
  lines.append(_row("all", everything))
  arrows = layout.arrows(root, rooms)
  cycles = [
    (a, b) for a, b in itertools.combinations(rooms, 2) if b in arrows[a] and a in arrows[b]
  ]
  lines += [
    f"most modules in one folder: {max(_modules(root, room) for room in rooms)}",
    f"rooms: {len(rooms)}",
    f"arrows between rooms: {sum(map(len, arrows.values()))}",
    f"pairs of rooms that import each other: {len(cycles)}",
    f"lines in all: {sum(everything)}",
  ]
  return "\n".join(lines)


def _modules(root, room):
  return sum(path.stem != "__init__" for path in root.joinpath(*room.split(".")).glob("*.py"))


def _row(name, lengths):
  median = statistics.median(lengths) if lengths else 0
  short = sum(length < SHORT for length in lengths)
  return f"{name:<24} {len(lengths):>7} {median:>12g} {short:>8}"


def main():
  """Prints the table of the revision."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("revision", nargs="?", help="commit; the working tree if not given")
  arguments = parser.parse_args()
  if arguments.revision is None:
    print(table(ROOT, architecture()))
    return
  archive = subprocess.run(
    ["git", "archive", arguments.revision], cwd=ROOT, check=True, capture_output=True
  ).stdout
  with tempfile.TemporaryDirectory() as folder:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
      files.extractall(folder, filter="data")
    print(table(pathlib.Path(folder), architecture()))


if __name__ == "__main__":
  main()
