"""A wheel, installed outside the checkout, holds all that the programs need."""

import configparser
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile

import numpy as np
from PIL import Image
import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("records", "pipeline", "model", "launch")
AT_A_TIME = 2

pytestmark = pytest.mark.slow


def _scripts():
  settings = configparser.ConfigParser()
  settings.read(ROOT / "setup.cfg")
  lines = settings["options.entry_points"]["console_scripts"].strip().splitlines()
  return [line.split("=")[0].strip() for line in lines]


def _pip(*arguments):
  done = subprocess.run(
    [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
  """A wheel of a copy of the checkout, in which building leaves its files."""
  folder = tmp_path_factory.mktemp("wheel")
  for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
    shutil.copy(ROOT / name, folder / name)
  for name in PACKAGES:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / name, folder / name, ignore=ignored)
  _pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder / "dist", folder)
  (made,) = (folder / "dist").glob("*.whl")
  return made


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory):
  """The folder of the console scripts of an environment that has the wheel, and our packages."""
  folder = tmp_path_factory.mktemp("environment")
  venv.create(folder)
  variables = {"base": str(folder), "platbase": str(folder)}
  packages = pathlib.Path(sysconfig.get_path("purelib", "venv", variables))
  # A path file adds folders, but does not read their own path files: no editable install comes in.
  shared = [path for path in sys.path if pathlib.Path(path).name == "site-packages"]
  (packages / "shared.pth").write_text("\n".join(shared))
  scripts = pathlib.Path(sysconfig.get_path("scripts", "venv", variables))
  _pip(
    "--python",
    scripts / "python",
    "install",
    "--no-deps",
    "--no-index",
    "--ignore-installed",
    wheel,
  )
  return scripts


def test_a_wheel_holds_every_file_of_the_packages(wheel):
  expected = {
    f"deblock/{path.relative_to(ROOT).as_posix().removeprefix('launch/library/')}"
    for package in PACKAGES
    for path in (ROOT / package).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
  }
  with zipfile.ZipFile(wheel) as archive:
    found = {name for name in archive.namelist() if ".dist-info/" not in name}
  assert found == expected


def test_every_console_script_shows_its_help(scripts, tmp_path):
  waiting = _scripts()
  # The runner of exported steps is for machines with JAX, which is not among our packages.
  if importlib.util.find_spec("jax") is None:
    waiting.remove("deblock-run-exported")
  assert waiting
  environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
  environment.pop("PYTHONPATH", None)
  while waiting:
    batch, waiting = waiting[:AT_A_TIME], waiting[AT_A_TIME:]
    running = {
      name: subprocess.Popen(
        [scripts / name, "--help"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
      )
      for name in batch
    }
    for name, process in running.items():
      out, err = process.communicate(timeout=240)
      assert (process.returncode, err) == (0, ""), name
      assert name in out and str(ROOT) not in out, name


def test_package_data_are_read_from_the_installed_package(scripts, tmp_path):
  program = (
    "from deblock.model import pretrained, pretrained_files;"
    "import deblock.launch.pictures.report as report;"
    "print(pretrained_files.__file__, report.__file__, *pretrained_files.names());"
    "pretrained.load('fast'); assert pretrained_files.network_path('fast').exists()"
  )
  done = subprocess.run(
    [scripts / "python", "-c", program],
    cwd=tmp_path,
    env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1"},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr
  *files, first, second = done.stdout.split()
  assert {first, second} == {"default", "fast"}
  assert all(pathlib.Path(file).is_relative_to(scripts.parent) for file in files)


def _newest_python():
  """Returns the newest Python from 3.10 on that can be found, None if it is not newer than this."""
  pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
  for minor in range(19, sys.version_info.minor, -1):
    name = f"python3.{minor}"
    # pyenv has a name for each version that it knows on the path, and runs those that are chosen
    # alone; in its folder, all run.
    for python in filter(None, (shutil.which(name), *pyenv.glob(f"versions/*/bin/{name}"))):
      found = subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True)
      if found.returncode == 0:
        return python
  return None


@pytest.fixture(scope="module", params=["this Python", "the newest Python"])
def base(request, wheel, tmp_path_factory):
  """The folder of the console scripts of an environment with the wheel and what it needs alone."""
  folder = tmp_path_factory.mktemp("base")
  python = sys.executable if request.param == "this Python" else _newest_python()
  if python is None:
    pytest.skip("no newer Python is at hand")
  subprocess.run([python, "-m", "venv", folder], check=True)
  _pip("--python", folder / "bin" / "python", "install", "--quiet", "--no-compile", wheel)
  return folder / "bin"


def test_photographs_are_restored_by_the_base_installation_alone(base, tmp_path):
  pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
  (tmp_path / "photos").mkdir()
  Image.fromarray(pixels).save(tmp_path / "photos" / "a.jpg", quality=30)
  command = [base / "deblock-restore", "photos", "--out=restored"]
  done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  with Image.open(tmp_path / "restored" / "a.png") as result:
    assert result.size == (64, 48)
  (packages,) = base.parent.glob("lib/python3*/site-packages")
  names = {path.name for path in packages.iterdir()}
  assert not names & {"tensorflow", "keras", "apache_beam", "tensorflow_datasets", "scipy"}


@pytest.mark.skipif(
  importlib.util.find_spec("cyclonedx_py") is None, reason="cyclonedx-bom is not installed"
)
@pytest.mark.parametrize("base", ["this Python"], indirect=True)
def test_a_bill_of_materials_names_what_the_base_installation_brings(base, tmp_path):
  listed = [sys.executable, "-m", "cyclonedx_py", "environment", base / "python"]
  done = subprocess.run([*listed, "-o", "bom.json"], cwd=tmp_path, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  components = json.loads((tmp_path / "bom.json").read_text())["components"]
  names = {component["name"].lower() for component in components}
  assert {"deblock", "numpy", "onnxruntime", "pillow"} <= names
  assert not names & {"tensorflow", "keras", "apache-beam", "tensorflow-datasets", "scipy"}
  assert all(component["version"] for component in components)


def test_the_demo_needs_nothing_but_the_base_installation(base, tmp_path):
  command = [base / "deblock-demo", "--output=demo", "--model=fast", "--qualities=10"]
  done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
  assert (done.returncode, done.stderr) == (0, "")
  assert {"demo.png", "report.html"} <= {path.name for path in (tmp_path / "demo").iterdir()}


def test_a_program_that_lacks_its_extra_says_how_to_install_it(base, tmp_path):
  command = [base / "deblock-train", "--records=r", "--logdir=l"]
  done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
  assert done.returncode == 2
  assert done.stderr == "deblock-train: TensorFlow is missing: pip install 'deblock[train]'\n"
