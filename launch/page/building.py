"""Writes the page: a folder of static files."""

import hashlib
import json
import pathlib

from deblock.launch.page import runtime
from deblock.launch.pictures import slider
from deblock.model import pretrained_files
from deblock.records.layout import files

FILES = pathlib.Path(__file__).parent / "files"
INDEX, WORKER = "index.html", "sw.js"


def contents(package: str = "") -> dict[str, bytes]:
  """Returns all files of the page by their paths in its folder; the page itself comes last.

  Args:
    package: path of the runtime's package; "" as `runtime.files` has it.
  Raises:
    OSError, ValueError: as `runtime.files`.
  """
  made = {path.name: path.read_bytes() for path in sorted(FILES.iterdir()) if path.is_file()}
  made[slider.SCRIPT.name] = slider.script().encode()
  made[slider.STYLE.name] = slider.style().encode()
  for name in pretrained_files.names():
    made[f"networks/{name}.onnx"] = pretrained_files.network_path(name).read_bytes()
  for name, content in runtime.files(package).items():
    made[f"runtime/{name}"] = content
  made[WORKER] = _service_worker(made)
  made[INDEX] = made.pop(INDEX)
  return made


def _service_worker(made):
  """Returns the service worker with the list of the files, and a version that changes with them."""
  names = sorted(set(made) - {WORKER})
  digest = hashlib.sha256()
  for name in (*names, WORKER):
    digest.update(hashlib.sha256(made[name]).digest())
  text = made[WORKER].decode()
  listed = json.dumps(["./", *(name for name in names if name != INDEX)])
  return text.replace("@VERSION@", digest.hexdigest()[:12]).replace('["@FILES@"]', listed).encode()


def write(folder: pathlib.Path, package: str = "") -> dict[str, int]:
  """Writes the page and returns the size in bytes of each file.

  Args:
    folder: a new or empty one, or one that has the page.
    package: as in `contents`.
  Raises:
    FileExistsError: if the folder has other files, or a file has its name.
    OSError, ValueError: as `contents`.
  """
  if folder.exists() and not folder.is_dir():
    raise FileExistsError(f"out {folder} is a file: name a folder.")
  if folder.is_dir() and any(folder.iterdir()) and not (folder / WORKER).exists():
    raise FileExistsError(f"out {folder} has other files: name a new or empty folder.")
  made = contents(package)
  for name, content in made.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, content)
  return {name: len(content) for name, content in made.items()}
