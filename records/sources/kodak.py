"""The 24 photographs of the Kodak PhotoCD PCD0992, downloaded once and checked by their pixels."""

from collections.abc import Callable
import hashlib
import http.client
import os
import pathlib
import urllib.error
import urllib.request

import numpy as np

from deblock.records import progress_bar
from deblock.records.layout import files
from deblock.records.photos import reading
from deblock.records.sources import source_image

# Each place that publishes the images, by their number from 1. All hold the same pixels.
URLS = (
  "https://r0k.us/graphics/kodak/kodak/kodim{number:02d}.png",
  "https://raw.githubusercontent.com/MohamedBakrAli/Kodak-Lossless-True-Color-Image-Suite/master/"
  "PhotoCD_PCD0992/{number:02d}.png",
)
NAMES = tuple(f"kodim{number:02d}.png" for number in range(1, 25))

# See `pixel_digest`: these hold for any lossless encoding of the images.
PIXEL_DIGESTS = (
  "3cb3e51b9edbe8e3ec1fe494bd775c4728a5c87f5b72c29b6958324af40e3c15",
  "b2f9b3f4d75aa6efe75b967b454f5df27d3b89dbe9a9aec5bcd3bda2741c914a",
  "dfbd89b236f9108759fbbc7cfdbaffba675e8d1b391045f595d1e6e925617123",
  "accb7e0dfa460808ff826efce777a4c677a6a21efe7866b390efb583469ad2e2",
  "4999ab4831fc6e995fb11c12f46e759e72610f49ac7d8f075936c98eae039541",
  "129a02015db0b9df9cc577d5e1f3038c3c7ba7bc279e3338c1a204cfde9f3875",
  "9862d5ebd7204cf5cde8de695bc86a2da90fb6e5e72cdf0fff768b738a5ff1ba",
  "adbd348210e1302dea33b713936f61a5ffc0df7b42bb4633f3b8bffb1af9ecdf",
  "1c7d517f36136ee1fea3aaa89fba399aee02a83b0390c8795ae4bbe220e6a6f7",
  "c58849aafbbed85e903132e6575fbf526b21ec1d7ed14117a2fdea9564c40cdc",
  "77fb2b6159b24a2bb50365a7eb9bdf903608384e33f66ecef7a027392d8eec57",
  "46029d62256e8a8db7358324b7a933b6a05636d64741ec95706a53a6150d2dfc",
  "66e2e0e749ec2ce7cda00d99f6a15dfffe8905a78c1880cd299b601f9ad4cb4e",
  "ae838970f498d4f6ae6c673ffad783f1f17747e8a5f796cd5b1a0bf67fdd8ace",
  "11327c7b76ae18b4a431a6bb45583f3559224a27cfc3bd37edf52be3eca9457e",
  "32fb6ea7eb3e48b988a6d5a1e1b4f3cdc0c21372a236f049c0cdecee40350db8",
  "b1ac8bdd8cbee42121c3012b0c7796831b8ad36d3513953a603062427b486922",
  "763f78456930a9d1e69fe220e7c2a87176613d954a98fe02152b9febf95dfc95",
  "2aac1a7249dea1cffd8dd7e901c6c3c58d25c2df9a7d45ac7fce247d054d8e9a",
  "8472b832b705925d22c822610aae2217d2e27d4553e6150b41f410653cc559f5",
  "1f05c5c07b8c790ea61645ebe57e114613f1ec1a29cb384a8589da307e6ea09f",
  "d788fe06ce9a33d49fe0c157ea2ca557fbeb53278e23182da6d675a534e75746",
  "987840620606ff55954f4fbe83aed346b26bb049e92ace11eb7f0e9ab6c16c8d",
  "6fd02e3d3774dc80800b99a7475e7cd185442af2c9a16ddccf9f2eb0a69a9384",
)

_TIMEOUT_SECONDS = 60
_MOST_BYTES = 2**24  # The largest image has 0.8 MB.


class DownloadError(RuntimeError):
  """An image could not be downloaded, or has other pixels than it should."""


def fetch_url(url: str) -> bytes:
  """Returns the content of a URL.

  Raises:
    OSError: if it cannot be fetched (URLError, HTTPError and time-outs are OSErrors), or has more
      bytes than any of the images.
    http.client.HTTPException: if the connection ends early.
  """
  with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
    data = answer.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
      raise OSError(f"the answer has more than {_MOST_BYTES} bytes")
    if answer.length:
      raise http.client.IncompleteRead(data, answer.length)
    return data


def kodak(
  cache_dir: str | os.PathLike, fetch: Callable[[str], bytes] = fetch_url
) -> tuple[source_image.SourceImage, ...]:
  """Returns the 24 Kodak images, after downloading those that the folder lacks.

  Each is asked for at every place of URLS until one answers with the right pixels, first at the one
  that answered last. It is checked before it is written, so an interrupted download resumes with
  the next image, and a damaged file in the folder is fetched again. Files that a user puts there
  are used, also under the second place's names (01.png).

  Args:
    cache_dir: a local folder; made if missing.
    fetch: from a URL to bytes; raises OSError or HTTPException when it cannot.
  Raises:
    DownloadError: if no place has an image; it names each with its reason, and the folder where the
      files can be put by hand.
  """
  folder = pathlib.Path(cache_dir)
  found = {number: _in_folder(folder, number) for number in range(1, len(NAMES) + 1)}
  missing = [number for number, path in found.items() if path is None]
  urls = list(URLS)
  if missing:
    with progress_bar.bar("fetching the Kodak images", "image", len(NAMES)) as bar:
      bar.update(len(NAMES) - len(missing))
      for number in missing:
        found[number] = _download(folder, number, urls, fetch)
        bar.update()
  return tuple(
    source_image.SourceImage.alone(pathlib.Path(name).stem, str(path))
    for name, path in zip(NAMES, found.values(), strict=True)
  )


def pixel_digest(image: np.ndarray) -> str:
  """Returns the SHA-256 of an image's size and pixels, in hexadecimal.

  Digested are height and width as little-endian uint32, then the bytes of uint8 [H, W, 3].
  """
  digest = hashlib.sha256(np.array(image.shape[:2], "<u4").tobytes())
  digest.update(np.ascontiguousarray(image).data)
  return digest.hexdigest()


def _in_folder(folder, number):
  """Returns the path of an image that the folder holds under either name, or None."""
  for name in (NAMES[number - 1], f"{number:02d}.png"):
    try:
      if not _problem(reading.read_bytes(str(folder / name)), PIXEL_DIGESTS[number - 1]):
        return folder / name
    except reading.ImageError:
      continue
  return None


def _download(folder, number, urls, fetch):
  """Writes an image into the folder and returns its path; the place that had it becomes first."""
  path = folder / NAMES[number - 1]
  reasons = []
  for place in tuple(urls):
    url = place.format(number=number)
    try:
      data = fetch(url)
    except (OSError, http.client.HTTPException) as error:
      reasons.append(f"{url} cannot be fetched: {error}")
      continue
    if problem := _problem(data, PIXEL_DIGESTS[number - 1]):
      reasons.append(f"{url} is another image: {problem}")
      continue
    urls.remove(place)
    urls.insert(0, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, data)
    return path
  raise DownloadError(
    "; ".join(reasons) + f". Put the files by hand into {folder}, as {NAMES[0]} to {NAMES[-1]} or "
    f"01.png to {len(NAMES):02d}.png, and run the same command again. Or use another folder of "
    "images, by --images=FOLDER."
  )


def _problem(data, digest):
  """Returns why the bytes of a file are not the image of that digest, or an empty string."""
  try:
    got = pixel_digest(reading.decode_picture(data, "").pixels)
  except reading.ImageError as error:
    return error.reason
  return "" if got == digest else f"its pixels have the digest {got}, not {digest}"
