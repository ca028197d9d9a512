"""A photograph, ways to spoil records and images, and a process that may not do everything."""

import contextlib
import importlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

from absl import app, flags
from absl.testing import flagsaver
import numpy as np
from PIL import Image
import pytest

from deblock.records.sources import packaged

# Read when TensorFlow is imported. The tests call networks on single images with variable weights,
# for which oneDNN, the programs' default, has no fast convolution (see model/restorer.py).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Tests that run at the same time would fight for the memory of a GPU, and its float32 products are
# too coarse for the tolerances (TF32). Their processes inherit this.
if os.environ.get("GPU_TESTS") != "1":
  os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def _photograph(height, width, number=0):
  """Returns a crop of a real photograph with a little noise, uint8 [height, width, 3]."""
  path = next(image.path for image in packaged.packaged() if image.id == "coffee.png")
  with Image.open(path) as picture:
    pixels = np.array(picture.convert("RGB"))
  top, left = 20 + 13 * number, 40 + 29 * number
  crop = pixels[top : top + height, left : left + width].astype(np.int64)
  noise = np.random.default_rng(number).integers(-12, 13, crop.shape)
  return np.clip(crop + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def photograph():
  """The function (height, width, number=0) -> uint8 [height, width, 3]."""
  return _photograph


def _module_beside(name):
  path = pathlib.Path(__file__).parent / name
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


@pytest.fixture(scope="session")
def damaging():
  """The module `damaging.py` beside this file: pytest imports test files alone."""
  return _module_beside("damaging.py")


@pytest.fixture(scope="session")
def mutants():
  """The module `bench/mutants.py`, which makes damaged image files."""
  return _module_beside("bench/mutants.py")


@pytest.fixture(scope="session")
def grammar():
  """The module `bench/grammar.py`, which makes image files that follow their format."""
  return _module_beside("bench/grammar.py")


def _forget_programs():
  """Removes the flags of the program that ran, and the programs: the next one defines its own."""
  for module, defined in flags.FLAGS.flags_by_module_dict().items():
    if module.startswith("deblock."):
      for flag in list(defined):
        delattr(flags.FLAGS, flag.name)
      sys.modules.pop(module, None)


def _import_program(name):
  return importlib.import_module(f"deblock.launch.{name}")


@pytest.fixture
def program_module():
  """The function (name): imports a program, to call its functions without its flags."""
  return _import_program


@pytest.fixture
def program(monkeypatch, capsys):
  """The function (name, *arguments): runs a program here, as its console script would.

  It returns a `CompletedProcess` with what the program printed. A process of its own costs six
  CPU-seconds, for TensorFlow's import; it proves more only about imports and exits.
  """

  def run(name, *arguments):
    import tensorflow as tf

    # With GPU_TESTS=1 the tests of this process keep the GPUs, which they have used before.
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *_: None)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda *_: None)
    monkeypatch.setattr(sys, "argv", [f"deblock-{name}", *map(str, arguments)])
    monkeypatch.setattr(sys.modules["__main__"], "__doc__", None)
    app.define_help_flags()
    _forget_programs()
    capsys.readouterr()
    with flagsaver.flagsaver():
      module = _import_program(name)
      with pytest.raises(SystemExit) as ended:
        module.run()
      _forget_programs()
    return subprocess.CompletedProcess(sys.argv, ended.value.code or 0, *capsys.readouterr())

  return run


def pytest_addoption(parser):
  parser.addoption("--golden", action="store_true", help="write golden images again")


@pytest.fixture
def golden(request):
  """The function (name, image) that compares an image with golden/NAME.png beside the test.

  `make golden` writes the images again; look at each before you commit it.
  """

  def check(name, image):
    path = request.path.parent / "golden" / f"{name}.png"
    if request.config.getoption("--golden"):
      path.parent.mkdir(exist_ok=True)
      Image.fromarray(image).save(path, optimize=True)
    with Image.open(path) as expected:
      np.testing.assert_array_equal(image, np.asarray(expected))

  return check


@contextlib.contextmanager
def _as_nobody():
  if os.geteuid() != 0:
    yield
    return
  os.seteuid(65534)
  try:
    yield
  finally:
    os.seteuid(0)


@pytest.fixture
def as_nobody():
  """The context in which file permissions hold, even if the tests are run by root."""
  return _as_nobody


@pytest.fixture
def open_folder():
  """A folder that nobody may enter too, unlike `tmp_path`."""
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    folder.chmod(0o755)
    with _as_nobody():
      if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        pytest.skip("the folder of temporary files is not open to everyone")
    yield folder
