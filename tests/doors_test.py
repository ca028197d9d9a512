"""Files are written, lines printed and JSON read through one door each; read from the sources."""

import ast
import functools
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("records", "pipeline", "model", "launch")
# Needs JAX, and nothing of deblock.
STANDALONE = "launch/run_exported.py"
PRINTING = {"records/console.py", STANDALONE}
READING_JSON = {"records/json_text.py", STANDALONE}
# What opens a file to write besides the doors, and why nobody can plant a link there.
WRITING = {
  "records/layout/new_file.py": "the door",
  "records/layout/files.py": "the door to remote folders",
  "records/photos/results.py": "appends to a list, and follows no link",
  "records/writing/shard.py": "TensorFlow's writer, under a name of `files.replacing`",
  "records/jpeg/coefficients.py": "in a temporary folder of its own",
  "records/beam_worker.py": "to nowhere",
  "records/quiet.py": "to nowhere",
  "records/worker_process.py": "into a pipe",
  "launch/program.py": "to nowhere",
  "launch/reporting/event_log.py": "TensorFlow's writer, under a name of `files.replacing`",
  "launch/run_folder/history.py": "appends to a file that the door has written",
  "launch/run_folder/occupied.py": "into a lock that filelock has opened, and it follows no link",
  "launch/portable/exported_network.py": "under a name of `own_files.writing`",
  STANDALONE: "as the door does",
}
DOORS = ("files", "new_file", "own_files")


@functools.cache
def _calls():
  """Returns (file, owner, name, call) of every call, such as ("a.py", "files", "write_text", …)."""
  found = []
  for package in PACKAGES:
    for path in sorted((ROOT / package).rglob("*.py")):
      for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
          called = node.func
          name = getattr(called, "attr", getattr(called, "id", ""))
          owner = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
          found.append((path.relative_to(ROOT).as_posix(), owner, name, node))
  return found


def _opens_to_write(owner, name, call):
  if name in ("write_text", "write_bytes"):
    return bool(owner) and owner not in DOORS
  if name in ("TemporaryFile", "NamedTemporaryFile", "mkstemp", "TFRecordWriter"):
    return True
  if name not in ("open", "GFile", "fdopen"):
    return False
  if owner == "os" and name == "open":
    return "O_RDONLY" not in ast.unparse(call)
  # The first argument of a method is the mode, that of a function a name.
  is_function = not owner or name in ("GFile", "fdopen")
  modes = [ast.unparse(argument) for argument in call.args[is_function:]]
  modes += [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "mode"]
  return any(len(mode) < 6 and set("wax+") & set(mode) for mode in modes if mode[:1] in "'\"")


def test_files_are_written_through_the_door():
  found = {path for path, *call in _calls() if _opens_to_write(*call)}
  assert found == set(WRITING)


@pytest.mark.parametrize(
  ("line", "expected"),
  [
    ("pathlib.Path(name).write_text(text)", True),
    ("files.write_text(name, text)", False),
    ("open(name, 'w')", True),
    ("path.open('a')", True),
    ("open(name, mode='wb')", True),
    ("open(name, 'rb')", False),
    ("open('wax')", False),
    ("os.open(name, os.O_CREAT)", True),
    ("os.open(name, os.O_RDONLY)", False),
  ],
)
def test_the_rule_knows_what_writes(line, expected):
  call = ast.parse(line, mode="eval").body
  called = call.func
  owner = ast.unparse(called.value) if isinstance(called, ast.Attribute) else ""
  name = getattr(called, "attr", getattr(called, "id", ""))
  assert _opens_to_write(owner, name, call) == expected


def test_lines_are_printed_through_the_door():
  found = set()
  for path, owner, name, call in _calls():
    names = ast.unparse(call.func)
    if (name == "print" and not owner) or names in ("sys.stdout.write", "sys.stderr.write"):
      found.add(path)
    if name == "write" and "tqdm" in owner:
      found.add(path)
  # `console.say` itself writes to a stream that it is given.
  assert found == PRINTING - {"records/console.py"}


def test_json_is_read_through_the_door():
  found = {
    path for path, owner, name, _ in _calls() if owner == "json" and name in ("load", "loads")
  }
  assert found == READING_JSON


def test_arrays_are_read_without_code():
  loads = [call for _, owner, name, call in _calls() if (owner, name) == ("np", "load")]
  assert loads
  for call in loads:
    assert "allow_pickle=False" in ast.unparse(call)
  for path, owner, name, _ in _calls():
    assert owner not in ("pickle", "marshal", "shelve", "yaml"), f"{path} calls {owner}.{name}"
