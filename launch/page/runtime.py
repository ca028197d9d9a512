"""The runtime of the page, onnxruntime-web, from its package in the npm registry.

Its files take 14 MB, so neither the repository nor the wheel has them. The package is downloaded
once, checked, and kept in the user's cache; no Node is needed.
"""

import base64
import hashlib
import io
import os
import pathlib
import tarfile
import urllib.error
import urllib.request

from deblock.records.layout import new_file

VERSION = "1.30.0"
FILE = f"onnxruntime-web-{VERSION}.tgz"
URL = f"https://registry.npmjs.org/onnxruntime-web/-/{FILE}"
# The registry's own digest of that version: npm view onnxruntime-web@VERSION dist.integrity.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
_SECONDS = 60


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


def download(path: pathlib.Path, url: str = URL) -> None:
  """Downloads the package, checks it and keeps it.

  Raises:
    OSError: if that fails; the message says how to do without.
    ValueError: if it is not the expected package.
  """
  try:
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
      data = answer.read()
  except (urllib.error.URLError, TimeoutError) as error:
    reason = getattr(error, "reason", error)
    raise OSError(
      f"{url} cannot be downloaded ({reason}): elsewhere, run npm pack onnxruntime-web@{VERSION}, "
      f"then name its file, --runtime={FILE}."
    ) from error
  check(data, url)
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
