"""The rules of the layout, read from the sources: nothing of the project is imported."""

import ast
import configparser
import functools
import pathlib
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


def _sources(*folders):
  return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


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


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_follow_the_direction(folder):
  files = _sources(folder)
  assert files
  for path in files:
    for name in _full_names(path):
      if _is_within(name, "deblock"):
        assert name.split(".")[1] in MAY_IMPORT[folder], f"{path} imports {name}"


def test_the_model_takes_only_the_definition_of_jpeg_from_records():
  for path in _sources("model"):
    for name in _full_names(path):
      if _is_within(name, "deblock.records"):
        assert name.startswith("deblock.records.jpeg"), f"{path} imports {name}"


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
      if _is_within(module, "deblock"):
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
  assert listed == found
