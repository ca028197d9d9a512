"""Networks that restore whole images: exported ones, run by ONNX Runtime."""

import collections
from collections.abc import Callable
import math
import os
import pathlib
import shutil
from typing import Any

import numpy as np

from deblock.launch.restoring import choices, network_file
from deblock.model import pretrained_files, tiling
from deblock.model.networks import config as model_config
from deblock.records.jpeg import sampling as jpeg_sampling

# The growth of the process for each pixel of a tile with its context: 260 for deblocknet and 170
# for deblocknet_fast at most (make bench PART=restoring).
_WINDOW_BYTES_PER_PIXEL = 300
# Tiles have whole blocks of chroma, whatever its sampling: 1 to 4 pixels to a sample.
_GRID = _SMALLEST_TILE = 96
# The context of a larger one costs less, but its memory more: 330 MB at this side.
LARGEST_TILE = 1056
# Beyond it a tile is too small for threads to gain.
_MOST_THREADS = 16
# An image and its transpose: a self-ensemble turns from one to the other.
_SESSIONS = 2
_CUDA_PROVIDER, _CPU_PROVIDER = "CUDAExecutionProvider", "CPUExecutionProvider"


def load(
  model: str,
  window_bytes: int = 0,
  self_ensemble: bool = False,
  device: str = choices.AUTO,
  log: Callable[[str], None] = lambda line: None,
) -> tiling.Tiled:
  """Returns a network and how it is run over images of any size.

  Args:
    model: name of pretrained weights, or path of an exported network, FILE.onnx.
    window_bytes: about what the work on one tile may take; 0 for the largest tile. Networks that do
      not keep an image's size ignore it.
    self_ensemble: whether everything is restored in its eight positions.
    device: "cpu"; "cuda", the first NVIDIA GPU; or "auto", that GPU if ONNX Runtime can use it.
    log: called with a line if a GPU is there that "auto" cannot use.
  Raises:
    FileNotFoundError: if there is no such file.
    ValueError: if there is no such name, the file is no exported network, or the device cannot be
      used.
  """
  choices.check_model(model)
  choices.check_device(device)
  file = network_file.read(choices.path_of(model))
  traits = file.traits
  tile = None
  if traits.keeps_size:
    tile = tile_within(window_bytes, traits) if window_bytes else LARGEST_TILE
  return tiling.Tiled(_Runner(file, device, log), traits, tile, self_ensemble)


def tile_within(window_bytes: int, traits: model_config.Traits) -> int:
  """Returns the side of the largest tile that takes so much memory, 64 at least."""
  side = math.isqrt(window_bytes // _WINDOW_BYTES_PER_PIXEL) - 2 * traits.context
  return min(max(_SMALLEST_TILE, side // _GRID * _GRID), LARGEST_TILE)


class _Runner:
  """An exported network as `tiling.Tiled` runs it.

  A conditioned network's tables are constants of a session, so that ONNX Runtime folds what depends
  on them into the kernels; the sessions of the last tables are kept.
  """

  def __init__(self, file, device, log):
    # Here, since importing it takes longer than `--help` may.
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # Errors are raised.
    self._onnxruntime = onnxruntime
    self._file = file
    self._device = device
    self._log = log
    self._providers = _providers(device, onnxruntime.get_available_providers())
    self._sessions: collections.OrderedDict[bytes, Any] = collections.OrderedDict()
    # Whether a call has tiles of one image alone, whose tables then can be constant.
    self._folds = file.traits.conditioned and file.traits.keeps_size
    # Files of others and GPUs are tried before any image is read.
    if pathlib.Path(file.path).parent != pretrained_files.FOLDER or len(self._providers) > 1:
      self._session(np.ones((1, 2, jpeg_sampling.BLOCK, jpeg_sampling.BLOCK), np.float32))
      self._sessions.clear()
    elif device == choices.AUTO and _has_nvidia_driver():
      log(
        "running on the CPU, although there is an NVIDIA GPU: this ONNX Runtime has no CUDA; pip "
        "install onnxruntime-gpu in place of onnxruntime."
      )

  def __call__(self, tiles: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Returns the network's output for tiles, float32 [B, h, w, 3], of tables [1, 2, 8, 8]."""
    inputs = {network_file.COMPRESSED: np.ascontiguousarray(tiles)}
    if self._file.traits.conditioned and not self._folds:
      inputs[network_file.TABLES] = np.repeat(tables, len(tiles), axis=0)
    try:
      return self._session(tables).run([network_file.RESTORED], inputs)[0]
    except Exception as error:  # ONNX Runtime's own errors share no other base class.
      reason = _first_line(error)
      if "alloc" in reason.lower():
        raise MemoryError(reason) from error
      raise ValueError(f"model {self._file.path} failed: {reason}") from error

  def _session(self, tables):
    key = tables.tobytes() if self._folds else b""
    if key not in self._sessions:
      while len(self._sessions) >= _SESSIONS:
        self._sessions.popitem(last=False)
      content = self._file.content
      if self._folds:
        content = network_file.with_tables(content, tables)
      self._sessions[key] = self._open(content)
    self._sessions.move_to_end(key)
    return self._sessions[key]

  def _open(self, content):
    options = self._onnxruntime.SessionOptions()
    options.intra_op_num_threads = _threads()
    # Threads that wait by spinning take the time of whatever else runs here, such as projections.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Planned for each shape, memory patterns double what a tile takes, and gain nothing.
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    try:
      session = self._onnxruntime.InferenceSession(content, options, providers=self._providers)
    except Exception as error:  # As above.
      raise ValueError(
        f"model {self._file.path} cannot be run by ONNX Runtime {self._onnxruntime.__version__}: "
        f"{_first_line(error)}"
      ) from error
    if len(self._providers) > 1 and _CUDA_PROVIDER not in session.get_providers():
      reason = (
        "ONNX Runtime cannot load its CUDA provider, which needs CUDA and cuDNN of its own versions"
      )
      if self._device == choices.CUDA:
        raise ValueError(f"device cuda cannot be used: {reason}.")
      self._log(f"running on the CPU, although there is an NVIDIA GPU: {reason}.")
      self._providers = [_CPU_PROVIDER]
    return session


def _providers(device, available):
  """Returns the execution providers to ask ONNX Runtime for, the preferred one first."""
  if device == choices.CUDA and _CUDA_PROVIDER not in available:
    raise ValueError(
      "device cuda needs an ONNX Runtime with CUDA: pip install onnxruntime-gpu in place of "
      "onnxruntime."
    )
  if device == choices.CPU or _CUDA_PROVIDER not in available:
    return [_CPU_PROVIDER]
  # TF32 keeps 10 bits of a factor, which is more than a level.
  return [(_CUDA_PROVIDER, {"use_tf32": "0"}), _CPU_PROVIDER]


def _has_nvidia_driver():
  return pathlib.Path("/proc/driver/nvidia/version").exists() or bool(shutil.which("nvidia-smi"))


def _threads():
  usable = (
    os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
  )
  return min(len(usable), _MOST_THREADS)


def _first_line(error):
  return (str(error).strip().splitlines() or [type(error).__name__])[0]
