"""The rules of the layout, read from the sources: nothing of the project is imported."""

import ast
import configparser
import functools
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
MAY_IMPORT = {
  "records": {"records"},
  "pipeline": {"pipeline", "records"},
  "model": {"model", "records"},
  "launch": {"records", "pipeline", "model", "launch"},
  "tests": {"records", "pipeline", "model", "launch"},
}
PACKAGES = tuple(name for name in MAY_IMPORT if name != "tests")
MOST_LINES = 400
# The rooms in their order: a module may import its own room and those before it. A folder that has
# rooms of its own stands among them for the files that lie in it directly.
ROOMS = (
  "records",
  "records.jpeg",
  "records.photos",
  "records.layout",
  "records.graphics",
  "records.sources",
  "records.planning",
  "records.writing",
  "pipeline",
  "model.networks",
  "model",
  "launch.machines",
  "launch.settings",
  "launch.run_folder",
  "launch.file_sets",
  "launch.restoring",
  "launch.evaluation",
  "launch.compressing",
  "launch.pictures",
  "launch.reporting",
  "launch.pipeline_report",
  "launch.training",
  "launch.portable",
  "launch.page",
  "launch",
)
FEWEST_FILES, MOST_FILES = 3, 16  # Of a room that is a sub-package, beside its __init__.
# What restores photographs and reads JPEGs starts in no time, without these and their like.
HEAVY = ("tensorflow", "keras", "apache_beam", "tensorflow_datasets")
LIGHT = (
  *("records.jpeg", "records.photos"),
  *("launch.file_sets", "launch.restoring", "launch.compressing"),
)
# The folder of the package `deblock` itself, which is installed one level higher: no room.
LIBRARY = "launch.library"
# Needs JAX, which is not among our packages.
STANDALONE = "run_exported"


def _sources(*folders, root=ROOT):
  return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


@functools.cache
def _tree(path):
  return ast.parse(path.read_text(encoding="utf-8"), str(path))


@functools.cache
def _imports(path):
  """Returns each import, wherever it stands, as (module, imported name or None, level)."""
  found = []
  for node in ast.walk(_tree(path)):
    if isinstance(node, ast.Import):
      found += ((alias.name, None, 0) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      found += ((node.module or "", alias.name, node.level) for alias in node.names)
  return found


def _full_names(path):
  """Yields "package.module" of everything imported; of `from a import b` that is "a.b"."""
  for module, name, _ in _imports(path):
    yield module if name is None else f"{module}.{name}"


def _is_within(name, package):
  return name == package or name.startswith(f"{package}.")


def _is_module(package, name):
  folder = ROOT.joinpath(*package.split(".")[1:])
  return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


def _importers(package, *folders):
  """Returns the files, as text below the root, that import a package."""
  return {
    path.relative_to(ROOT).as_posix()
    for path in _sources(*folders)
    if any(_is_within(name, package) for name in _full_names(path))
  }


def _console_scripts():
  settings = configparser.ConfigParser()
  settings.read(ROOT / "setup.cfg")
  lines = settings["options.entry_points"]["console_scripts"].split("\n")
  return [line.split("=")[1].strip() for line in lines if line.strip()]


def _room(name, rooms):
  """Returns the room of a module, given as "records.jpeg.tables" or as "records.quiet"."""
  return max((room for room in rooms if _is_within(name, room)), key=len)


def _modules(room):
  """Returns the names of a room's modules, those of rooms inside it excepted."""
  folder = ROOT.joinpath(*room.split("."))
  return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def arrows(root=ROOT, rooms=ROOMS):
  """Returns which rooms import which, as {room: {imported room, ...}}, without themselves."""
  found = {room: set() for room in rooms}
  for path in _sources(*PACKAGES, root=root):
    room = _room(".".join(path.relative_to(root).with_suffix("").parts), rooms)
    for name in _full_names(path):
      if _is_within(name, "deblock") and name.count(".") > 1:
        found[room].add(_room(name.removeprefix("deblock."), rooms))
    found[room].discard(room)
  return found


def test_the_list_of_rooms_is_that_of_the_folders():
  folders = {
    ".".join(path.parent.relative_to(ROOT).parts)
    for path in _sources(*PACKAGES)
    if path.name == "__init__.py"
  }
  assert sorted((*ROOMS, LIBRARY)) == sorted(folders)


def test_rooms_import_only_rooms_before_them():
  for room, imported in arrows().items():
    later = [name for name in imported if ROOMS.index(name) > ROOMS.index(room)]
    assert not later, f"{room} imports {later}, which come after it"


@pytest.mark.parametrize("room", [room for room in ROOMS if "." in room])
def test_a_room_can_be_looked_over(room):
  assert FEWEST_FILES <= len(_modules(room)) <= MOST_FILES, _modules(room)
  text = ast.get_docstring(_tree(ROOT.joinpath(*room.split("."), "__init__.py")))
  assert text, f"{room} does not say what lives in it"


def _heavy_after(*modules):
  """Returns which of HEAVY a fresh Python has loaded after importing modules of the project."""
  lines = "\n".join(f"import deblock.{module}" for module in modules)
  program = f"import sys\n{lines}\nprint(*[name for name in {HEAVY} if name in sys.modules])"
  run = [sys.executable, "-c", program]
  return subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def _names_when_imported(path):
  """Returns as `_full_names` what is imported with a module, and not first by its functions."""
  inside = {
    node
    for function in ast.walk(_tree(path))
    if isinstance(function, ast.FunctionDef)
    for node in ast.walk(function)
  }
  names = []
  for node in ast.walk(_tree(path)):
    if isinstance(node, ast.Import) and node not in inside:
      names += (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node not in inside:
      names += (f"{node.module}.{alias.name}" for alias in node.names)
  return names


def test_light_rooms_load_nothing_heavy():
  assert not _heavy_after(*(f"{room}.{name}" for room in LIGHT for name in _modules(room)))


def test_programs_load_nothing_heavy_before_their_flags_are_checked():
  names = (target.split(":")[0].removeprefix("deblock.") for target in _console_scripts())
  modules = [name for name in names if not name.endswith(f".{STANDALONE}")]
  # One process each: two programs may define the same flag.
  heavy = {module: found for module in modules if (found := _heavy_after(module))}
  assert len(modules) > 10 and not heavy


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_follow_the_direction(folder):
  files = _sources(folder)
  assert files
  for path in files:
    for name in _full_names(path):
      if _is_within(name, "deblock") and (name, folder) != ("deblock", "tests"):
        assert name.split(".")[1] in MAY_IMPORT[folder], f"{path} imports {name}"


def test_the_model_takes_only_the_definition_of_jpeg_and_the_reader_of_json_from_records():
  allowed = [f"deblock.records.{name}" for name in ("jpeg", "json_text", "typed_values")]
  for path in _sources("model"):
    for name in _full_names(path):
      if _is_within(name, "deblock.records"):
        assert any(_is_within(name, one) for one in allowed), f"{path} imports {name}"


def test_only_launch_knows_flags():
  users = _importers("absl.flags", *PACKAGES) | _importers("absl.app", *PACKAGES)
  assert {user.split("/")[0] for user in users} == {"launch"}


def test_only_records_and_their_program_know_beam():
  users = _importers("apache_beam", *PACKAGES) - {"launch/build_records.py"}
  assert {user.split("/")[0] for user in users} == {"records"}


def test_only_model_and_launch_know_keras():
  users = _importers("keras", *PACKAGES) | _importers("tensorflow.keras", *PACKAGES)
  assert {user.split("/")[0] for user in users} <= {"model", "launch"}
  for path in _sources("records", "pipeline"):
    for node in ast.walk(_tree(path)):
      assert not (isinstance(node, ast.Attribute) and node.attr == "keras"), path


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_no_folder_is_imported_by_its_bare_name(folder):
  for path in _sources(folder):
    for module, _, _ in _imports(path):
      assert module.split(".")[0] not in MAY_IMPORT, f"{path} imports {module}"


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_modules_are_imported_and_not_names(folder):
  for path in _sources(folder):
    for module, name, level in _imports(path):
      assert level == 0, f"{path} has a relative import"
      if _is_within(module, "deblock") and (module, folder) != ("deblock", "tests"):
        assert name is not None, f"{path}: write from {module.rpartition('.')[0]} import …"
        assert _is_module(module, name), f"{path} imports {name} from {module}, not a module"


def test_no_program_is_named_like_a_module_of_the_standard_library():
  for path in _sources("launch"):
    assert path.stem == "__init__" or path.stem not in sys.stdlib_module_names, path


def test_no_file_is_named_after_nothing():
  nameless = {"utils", "util", "common", "helpers", "helper", "misc"}
  assert not [path for path in _sources(*MAY_IMPORT) if path.stem in nameless]


def test_no_file_is_too_long():
  for path in _sources(*MAY_IMPORT):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_LINES, f"{path} has {lines} lines"


def test_every_console_script_is_a_program_with_that_function():
  targets = _console_scripts()
  assert targets
  for target in targets:
    module, function = target.split(":")
    package, _, name = module.rpartition(".")
    assert package == "deblock.launch" and _is_module(package, name), target
    tree = _tree(ROOT / "launch" / f"{name}.py")
    assert function == "run"
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_program_has_a_console_script():
  programs = {
    f"deblock.launch.{path.stem}:run"
    for path in _sources("launch")
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
  }
  assert programs == set(_console_scripts())


def test_every_package_is_installed():
  settings = configparser.ConfigParser()
  settings.read(ROOT / "setup.cfg")
  listed = set(settings["options"]["packages"].split())
  found = {
    ".".join(("deblock", *path.parent.relative_to(ROOT).parts))
    for path in _sources(*PACKAGES)
    if path.name == "__init__.py"
  }
  assert listed == found - {f"deblock.{LIBRARY}"} | {"deblock"}
