import numpy as np
import pytest

from deblock.launch.restoring import network, network_file
from deblock.model import pretrained_files
from deblock.model.networks import config as model_config
from deblock.records.jpeg import codec
from deblock.records.jpeg import tables as jpeg_tables

_MIB = 2**20
_FAST = model_config.Traits(name="deblocknet_fast", context=40, keeps_size=True, conditioned=True)


@pytest.fixture(scope="module")
def jpeg(photograph):
  """A decoded JPEG, uint8 [211, 333, 3], and its tables."""
  return (
    codec.decode(codec.encode(photograph(211, 333), 15, "420")),
    jpeg_tables.quantization_tables(15),
  )


def test_a_tile_takes_no_more_than_it_may_and_has_whole_blocks():
  tiles = [network.tile_within(mib * _MIB, _FAST) for mib in (1, 16, 64, 512, 4096)]
  assert tiles == sorted(tiles)
  assert tiles[0] == 96 and tiles[-1] == network.LARGEST_TILE
  assert all(tile % 96 == 0 for tile in tiles)
  assert (tiles[2] + 2 * _FAST.context) ** 2 * 300 <= 64 * _MIB


def test_whole_and_in_tiles_an_image_is_restored_alike(jpeg):
  whole = network.load("fast")(*jpeg).astype(int)
  tiles = network.load("fast", window_bytes=5 * _MIB)
  assert len(list(tiles.parts(*jpeg))) > 8
  assert np.abs(tiles(*jpeg) - whole).max() <= 1
  assert (whole != jpeg[0]).mean() > 0.5


def test_tables_folded_into_the_kernels_give_what_tables_given_do(jpeg):
  """The file's own graph, with both inputs, is the reference."""
  onnxruntime = pytest.importorskip("onnxruntime")
  session = onnxruntime.InferenceSession(
    pretrained_files.network_path("fast"), providers=["CPUExecutionProvider"]
  )
  restore = network.load("fast")
  image = jpeg[0][:120, :104]
  for quality in (5, 40, 95):
    tables = jpeg_tables.quantization_tables(quality)
    inputs = {
      "compressed": image[np.newaxis] / np.float32(255.0),
      "tables": tables[np.newaxis].astype(np.float32),
    }
    (part,) = restore.parts(image, tables)
    (expected,) = session.run(None, inputs)
    np.testing.assert_allclose(part.restored, expected[0], atol=1e-3 / 255)


def test_sessions_are_kept_for_the_last_tables_alone(jpeg, monkeypatch):
  restore = network.load("fast")
  opened = []
  whole = network._Runner._open
  monkeypatch.setattr(network._Runner, "_open", lambda *given: opened.append(1) or whole(*given))
  image = jpeg[0][:16, :16]
  for quality in (10, 20, 10, 20, 30, 20, 10):
    restore(image, jpeg_tables.quantization_tables(quality))
  assert len(opened) == 4


def test_a_self_ensemble_is_the_mean_of_eight_positions(jpeg):
  image, tables = jpeg[0][:64, :96], jpeg[1]
  (made,) = network.load("fast", self_ensemble=True).parts(image, tables)
  restore = network.load("fast")
  total = np.zeros(image.shape)
  for mirrored in (1, -1):
    for flipped in (1, -1):
      for transposed in (False, True):
        seen = image[::flipped, ::mirrored]
        steps = tables.transpose(0, 2, 1) if transposed else tables
        seen = np.ascontiguousarray(seen.swapaxes(0, 1) if transposed else seen)
        (part,) = restore.parts(seen, steps)
        back = part.restored.swapaxes(0, 1) if transposed else part.restored
        total += back[::flipped, ::mirrored] / 8
  np.testing.assert_allclose(made.restored, total, atol=1e-5)


def test_unknown_names_and_devices_are_refused():
  with pytest.raises(
    ValueError, match=r"one of default, fast or FILE\.onnx, got 'fats'\. Did you mean fast\?"
  ):
    network.load("fats")
  with pytest.raises(ValueError, match=r"got 'best'\.$"):
    network.load("best")
  with pytest.raises(ValueError, match="device must be one of auto, cpu, cuda, got 'gpu'"):
    network.load("fast", device="gpu")
  with pytest.raises(FileNotFoundError, match=r"mine\.onnx does not exist"):
    network.load("mine.onnx")


def test_a_file_that_onnx_runtime_cannot_run_is_refused_before_an_image_is_read(tmp_path):
  onnx = pytest.importorskip("onnx")
  model = onnx.load(pretrained_files.network_path("fast"))
  model.graph.node[3].op_type = "Gemm"
  (stored,) = model.metadata_props
  stored.value = network_file.description(_FAST, {}, model.graph.SerializeToString())
  path = tmp_path / "gemm.onnx"
  onnx.save(model, path)
  with pytest.raises(ValueError, match=r"gemm\.onnx cannot be run by ONNX Runtime .*Gemm"):
    network.load(str(path))


def test_a_gpu_is_never_left_idle_in_silence(monkeypatch):
  lines = []
  monkeypatch.setattr(network, "_has_nvidia_driver", lambda: True)
  restore = network.load("fast", log=lines.append)
  for quality in (10, 20):
    restore(np.zeros((8, 8, 3), np.uint8), jpeg_tables.quantization_tables(quality))
  assert len(lines) == 1 and "pip install onnxruntime-gpu" in lines[0]
  with pytest.raises(ValueError, match="device cuda needs an ONNX Runtime with CUDA: pip install"):
    network.load("fast", device="cuda")


def test_a_cuda_provider_that_does_not_load_is_named(monkeypatch):
  monkeypatch.setattr(
    network, "_providers", lambda *given: ["AzureExecutionProvider", "CPUExecutionProvider"]
  )
  lines = []
  network.load("fast", log=lines.append)
  assert "cannot load its CUDA provider" in lines[0]
  with pytest.raises(ValueError, match="device cuda cannot be used: ONNX Runtime cannot load"):
    network.load("fast", device="cuda")


def test_providers_are_those_that_were_asked_for():
  both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
  assert network._providers("cpu", both) == ["CPUExecutionProvider"]
  assert network._providers("auto", both[1:]) == ["CPUExecutionProvider"]
  for device in ("auto", "cuda"):
    assert network._providers(device, both)[0][0] == "CUDAExecutionProvider"


def test_memory_that_is_missing_is_a_memory_error(monkeypatch):
  restore = network.load("fast")

  class Session:
    def run(self, names, inputs):
      raise RuntimeError("Failed to allocate memory for requested buffer of size 9")

  monkeypatch.setattr(network._Runner, "_session", lambda *given: Session())
  with pytest.raises(MemoryError):
    restore(np.zeros((8, 8, 3), np.uint8), np.ones((2, 8, 8)))
