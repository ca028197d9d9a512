"""The runtime of the page, onnxruntime-web, from its package in the npm registry.

Its files take 14 MB, so neither the repository nor the wheel has them. The package is downloaded
once over HTTPS, checked by its SHA-512 and kept in the user's cache. Where the registry is, npm
knows, or the variable of npm's own setting says.
"""

import base64
import hashlib
import http.client
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import urllib.request

from deblock.records import console
from deblock.records.layout import new_file

VERSION = "1.30.0"
FILE = f"onnxruntime-web-{VERSION}.tgz"
# npm's own name for its setting; npm run sets it too.
REGISTRY_VARIABLE = "npm_config_registry"
# The registry's own digest of that version, its dist.integrity.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
_MEGABYTES = 33
_SILENT_SECONDS = 60


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


def address() -> str:
  """Returns where the package is downloaded from.

  Raises:
    OSError: if no registry is known; the message says how to do without.
  """
  registry = os.environ.get(REGISTRY_VARIABLE) or _npms_registry()
  if not registry:
    raise OSError(
      "the page's runtime comes from the npm registry, whose address is not known: install npm, "
      f"or set {REGISTRY_VARIABLE} to it, or name the package's file, --runtime={FILE}."
    )
  return f"{registry.rstrip('/')}/onnxruntime-web/-/{FILE}"


def _npms_registry():
  """Returns the registry that npm is set to; "" without npm."""
  npm = shutil.which("npm")
  if npm is None:
    return ""
  asked = [npm, "config", "get", "registry"]
  done = subprocess.run(asked, capture_output=True, text=True, check=False)
  return done.stdout.strip() if done.returncode == 0 else ""


def download(path: pathlib.Path) -> None:
  """Downloads the package, checks it and keeps it; says so on standard error, as it takes a while.

  Raises:
    OSError: if that fails; the message says how to do without.
    ValueError: if it is not the expected package.
  """
  source = address()
  console.say(f"downloading the page's runtime once, {_MEGABYTES} MB: {source}", stream=sys.stderr)
  try:
    with urllib.request.urlopen(source, timeout=_SILENT_SECONDS) as answer:
      data = answer.read()
  except (OSError, http.client.HTTPException, ValueError) as error:
    reason = getattr(error, "reason", None) or error
    raise OSError(
      f"{source} cannot be downloaded ({reason}): download it elsewhere, then name the file, "
      f"--runtime={FILE}; or set {REGISTRY_VARIABLE} to another registry."
    ) from error
  check(data, source)
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
