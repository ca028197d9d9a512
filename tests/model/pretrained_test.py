import functools
import hashlib
import io
import json
import math
import shutil
import tracemalloc
import zipfile

import numpy as np
import pytest

from deblock.launch.portable import weights as weights_export
from deblock.model import pretrained, pretrained_files, restorer
from deblock.model.networks import config, registry
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

_NETWORKS = {"default": "deblocknet", "fast": "deblocknet_fast"}
# Decibels by which the photograph below must gain at quality 10 and at 40.
_LEAST_GAINS = {"default": (1.4, 1.1), "fast": (1.2, 0.8)}
_SMALL = config.ModelConfig(model="deblocknet", width=3)


def _arrays(network):
  return {variable.path: variable.numpy() for variable in network.weights}


@functools.cache
def _loaded(name):
  return pretrained.load(name)


def _psnr(image, clean):
  return 10 * math.log10(255**2 / np.mean((image.astype(np.float64) - clean) ** 2))


def _compressed(clean, quality):
  return codec.decode(codec.encode(clean, quality, "420"))


@pytest.fixture
def shipped(tmp_path):
  """A copy of what ships, to be changed."""
  return shutil.copytree(pretrained_files.FOLDER, tmp_path / "weights")


@pytest.fixture
def saved(tmp_path, random_network):
  """A folder with the weights of a narrow network, named "small"."""
  weights_export.save("small", _arrays(random_network("deblocknet")), _SMALL, tmp_path)
  return tmp_path


def _rewrite(folder, name, **changes):
  """Changes what the manifest says of weights; their checksum becomes that of the file."""
  manifest = json.loads((folder / pretrained_files.MANIFEST).read_text())
  facts = {**manifest[name], **changes}
  facts["sha256"] = hashlib.sha256((folder / facts["file"]).read_bytes()).hexdigest()
  (folder / pretrained_files.MANIFEST).write_text(json.dumps({**manifest, name: facts}))


def test_what_ships_is_listed_and_nothing_else_lies_there():
  assert pretrained_files.names() == tuple(sorted(_NETWORKS))
  assert {path.name for path in pretrained_files.FOLDER.iterdir()} == {
    pretrained_files.MANIFEST,
    "MODEL_CARD.md",
    *(f"{name}{suffix}" for name in _NETWORKS for suffix in (".npz", ".onnx")),
  }


@pytest.mark.parametrize("name", _NETWORKS)
def test_shipped_weights_are_finite_float16_and_small(name):
  path = pretrained_files.FOLDER / f"{name}.npz"
  assert path.stat().st_size < 1_000_000
  with np.load(path, allow_pickle=False) as stored:
    arrays = {key: stored[key] for key in stored.files}
  network, entry = _loaded(name)
  assert entry == registry.get(_NETWORKS[name])
  assert network.name == entry.name
  assert sum(array.size for array in arrays.values()) == network.count_params()
  for variable in network.weights:
    array = arrays[variable.path]
    assert array.dtype == np.float16 and np.isfinite(array).all()
    assert variable.dtype == "float32"
    np.testing.assert_array_equal(variable.numpy(), array)


@pytest.mark.parametrize("name", _NETWORKS)
def test_shipped_weights_restore_a_photograph_the_better_for_its_tables(name, photograph):
  clean = photograph(120, 160)
  restore = restorer.Restorer(*_loaded(name))
  tables = {quality: jpeg_tables.quantization_tables(quality) for quality in (10, 40)}
  for quality, other, least in zip((10, 40), (40, 10), _LEAST_GAINS[name], strict=True):
    jpeg = _compressed(clean, quality)
    gain = _psnr(restore(jpeg, tables[quality]), clean) - _psnr(jpeg, clean)
    misled = _psnr(restore(jpeg, tables[other]), clean) - _psnr(jpeg, clean)
    assert gain > least
    assert gain > misled + 0.3


def test_shipped_weights_restore_alike_whole_and_in_tiles(photograph):
  jpeg, tables = _compressed(photograph(130, 150), 20), jpeg_tables.quantization_tables(20)
  network, entry = _loaded("default")
  whole, tiles = (restorer.Restorer(network, entry, tile)(jpeg, tables) for tile in (None, 64))
  difference = np.abs(whole.astype(int) - tiles)
  # Two sums in another order may round to neighbouring levels.
  assert difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_float16_costs_next_to_nothing(photograph):
  """Weights that round to those which ship restore as well as they do, to 0.01 dB."""
  clean = photograph(120, 160)
  jpeg, tables = _compressed(clean, 20), jpeg_tables.quantization_tables(20)
  network, entry = pretrained.load("default")
  rounded = restorer.Restorer(network, entry)(jpeg, tables)
  random = np.random.default_rng(0)
  moved = 0
  for variable in network.weights:
    half = variable.numpy().astype(np.float16)
    # Below a power of two float16 is twice as fine as above it.
    step = np.spacing(np.nextafter(np.abs(half), np.float16(0)))
    exact = half + random.uniform(-0.5, 0.5, half.shape) * step
    moved += (exact.astype(np.float32) != half).sum()
    np.testing.assert_array_equal(exact.astype(np.float16), half)
    variable.assign(exact)
  assert moved > 0.99 * network.count_params()
  restored = restorer.Restorer(network, entry)(jpeg, tables)
  assert np.abs(restored.astype(int) - rounded).max() <= 2
  assert abs(_psnr(restored, clean) - _psnr(rounded, clean)) < 0.01


def test_what_is_saved_is_loaded_in_half_precision(saved, random_network):
  network, entry = pretrained.load("small", saved)
  assert entry is registry.get("deblocknet")
  expected = random_network("deblocknet").weights
  for variable, original in zip(network.weights, expected, strict=True):
    np.testing.assert_array_equal(variable.numpy(), original.numpy().astype(np.float16))
  assert {path.name for path in saved.iterdir()} == {"small.npz", pretrained_files.MANIFEST}


def test_saving_keeps_what_else_is_listed(saved, random_network):
  first = (saved / "small.npz").read_bytes()
  fast = config.ModelConfig(model="deblocknet_fast", width=3)
  weights_export.save("other", _arrays(random_network("deblocknet_fast")), fast, saved)
  assert (saved / "small.npz").read_bytes() == first
  assert pretrained.load("small", saved)[1].name == "deblocknet"
  assert pretrained.load("other", saved)[1].name == "deblocknet_fast"


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_weights_that_are_not_finite_in_float16_are_not_saved(tmp_path, value):
  network = registry.build(_SMALL)
  network.get_layer("head").bias.assign(np.full(12, value))
  with pytest.raises(ValueError, match=r"head/bias of broken is not finite in float16"):
    weights_export.save("broken", _arrays(network), _SMALL, tmp_path / "weights")
  assert not (tmp_path / "weights").exists()


def test_a_name_that_does_not_ship_lists_those_that_do(saved):
  with pytest.raises(ValueError, match=r"model must be one of default, fast, got 'best'\."):
    pretrained.load("best")
  with pytest.raises(ValueError, match=r"model must be one of default, fast, got 'best'\."):
    pretrained_files.check_name("best")
  with pytest.raises(ValueError, match=r"model must be one of small, got 'fast'\."):
    pretrained.load("fast", saved)
  assert pretrained_files.check_name("fast") == "fast"


def test_a_file_of_which_one_bit_was_changed_is_refused(shipped):
  path = shipped / "fast.npz"
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 1
  path.write_bytes(content)
  with pytest.raises(ValueError, match=f"{path} was changed or damaged: its SHA-256 is [0-9a-f]+"):
    pretrained.load("fast", shipped)
  assert pretrained.load("default", shipped)


def test_weights_of_another_network_are_refused(shipped):
  message = r"default.npz holds weights of another network than deblocknet_fast: .* differs"
  _rewrite(shipped, "default", model="deblocknet_fast")
  with pytest.raises(ValueError, match=message):
    pretrained.load("default", shipped)


def test_weights_of_another_width_are_refused(saved):
  _rewrite(saved, "small", width=4)
  with pytest.raises(ValueError, match=r"another network than deblocknet: .* differs, one of \d+"):
    pretrained.load("small", saved)


def test_a_file_that_holds_no_arrays_or_code_is_refused(saved):
  path = saved / "small.npz"
  for content in (b"no archive", path.read_bytes()[:-200]):
    path.write_bytes(content)
    _rewrite(saved, "small")
    with pytest.raises(ValueError, match=f"{path} does not hold arrays"):
      pretrained.load("small", saved)
  np.savez(path, **{"head/bias": np.array([print], object)})
  _rewrite(saved, "small")
  with pytest.raises(
    ValueError, match=f"{path} does not hold arrays: 'head/bias.npy' holds values of type object"
  ):
    pretrained.load("small", saved)


def _archive(path, arrays):
  """Writes an .npz file whose headers say what they like: arrays are (name, shape, bytes)."""
  with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, shape, content in arrays:
      header = io.BytesIO()
      description = {"descr": "<f2", "fortran_order": False, "shape": shape}
      np.lib.format.write_array_header_1_0(header, description)
      archive.writestr(f"{name}.npy", header.getvalue() + content)


@pytest.mark.parametrize(("shape", "held"), [((2**40,), 0), ((10**6, 100), 2 * 10**8)])
def test_an_array_of_another_shape_is_refused_by_its_header(saved, shape, held):
  path = saved / "small.npz"
  stored = np.load(path)
  arrays = [(name, stored[name].shape, stored[name].tobytes()) for name in stored.files]
  _archive(path, [*arrays[:-1], (arrays[-1][0], shape, bytes(held))])  # Zeros take a thousandth.
  _rewrite(saved, "small")
  tracemalloc.start()
  try:
    with pytest.raises(ValueError, match=f"{path} holds weights of another network .*differs, one"):
      pretrained.load("small", saved)
    assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
  finally:
    tracemalloc.stop()


def test_an_array_that_ends_early_or_comes_twice_is_refused(saved):
  path = saved / "small.npz"
  stored = np.load(path)
  arrays = [(name, stored[name].shape, stored[name].tobytes()) for name in stored.files]
  _archive(path, [*arrays[:-1], (*arrays[-1][:2], b"")])
  _rewrite(saved, "small")
  with pytest.raises(ValueError, match=f"{path} does not hold arrays: "):
    pretrained.load("small", saved)
  with pytest.warns(UserWarning, match="Duplicate name"):
    _archive(path, [*arrays, arrays[0]])
  _rewrite(saved, "small")
  with pytest.raises(ValueError, match=f"{path} holds weights of another network"):
    pretrained.load("small", saved)


@pytest.mark.parametrize(
  ("changes", "message"),
  [
    ({"file": "../small.npz"}, r"small\.file must be a file's name without folders"),
    ({"file": "/etc/passwd"}, r"small\.file must be a file's name without folders"),
    ({"width": "3"}, r'small\.width must be a whole number from 0 to 65536, got "3"'),
    ({"width": -1}, r"small\.width must be"),
    ({"code": "x"}, r'small has the unknown key "code"'),
  ],
)
def test_a_manifest_of_nonsense_is_named(saved, changes, message):
  path = saved / pretrained_files.MANIFEST
  manifest = json.loads(path.read_text())
  path.write_text(json.dumps({"small": {**manifest["small"], **changes}}))
  with pytest.raises(ValueError, match=f"{path}: {message}"):
    pretrained.load("small", saved)


def test_a_file_that_is_gone_is_named(shipped):
  (shipped / "fast.npz").unlink()
  with pytest.raises(FileNotFoundError, match=r"fast\.npz"):
    pretrained.load("fast", shipped)
