"""The runtime of the page, onnxruntime-web, from its package in the npm registry.

Its files take 14 MB, so neither the repository nor the wheel has them. npm, which knows the user's
registry and proxy, downloads the package once; it is checked and kept in the user's cache.
"""

import base64
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

from deblock.records.layout import new_file

VERSION = "1.30.0"
PACKAGE = f"onnxruntime-web@{VERSION}"
FILE = f"onnxruntime-web-{VERSION}.tgz"
# The registry's own digest of that version: npm view onnxruntime-web@VERSION dist.integrity.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
_SECONDS = 300
_ELSEWHERE = f"run npm pack {PACKAGE} elsewhere, then name its file, --runtime={FILE}."


def files(package: str = "") -> dict[str, bytes]:
  """Returns the files of the runtime by their names.

  Args:
    package: path of the npm package; "" for that of the cache, which is downloaded if need be.
  Raises:
    OSError: if it cannot be read or downloaded.
    ValueError: if it is not the expected package.
  """
  path = pathlib.Path(package) if package else cached()
  if not package and not path.exists():
    download(path)
  data = path.read_bytes()
  check(data, str(path))
  with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
    return {name: _member(archive, f"package/dist/{name}") for name in FILES}


def cached() -> pathlib.Path:
  """Returns where the package is kept: a folder of the user's cache."""
  folder = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
  return pathlib.Path(folder) / "deblock" / FILE


def check(data: bytes, name: str) -> None:
  """Raises ValueError, naming a file, if its bytes are not the expected package."""
  if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
    raise ValueError(f"{name} is not {FILE} of the npm registry: its SHA-512 is another.")


def download(path: pathlib.Path) -> None:
  """Lets npm download the package, checks it and keeps it.

  Raises:
    OSError: if that fails; the message says how to do without.
    ValueError: if it is not the expected package.
  """
  program = shutil.which("npm")
  if program is None:
    raise OSError(f"the page's runtime is downloaded by npm, which is not installed: {_ELSEWHERE}")
  with tempfile.TemporaryDirectory() as folder:
    command = [program, "pack", "--silent", PACKAGE]
    try:
      subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=_SECONDS
      )
      data = (pathlib.Path(folder) / FILE).read_bytes()
    except (subprocess.SubprocessError, OSError) as error:
      lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
      raise OSError(f"npm pack {PACKAGE} failed ({lines[-1]}): {_ELSEWHERE}") from error
  check(data, f"the download of {PACKAGE}")
  path.parent.mkdir(parents=True, exist_ok=True)
  with new_file.writing(path) as stream:
    stream.write(data)


def _member(archive, name):
  try:
    file = archive.extractfile(name)
  except KeyError:
    file = None
  if file is None:
    raise ValueError(f"{FILE} has no {name}.")
  return file.read()
