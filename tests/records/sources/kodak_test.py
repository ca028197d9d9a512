import hashlib
import pathlib
import urllib.error

import numpy as np
import pytest

from deblock.records.jpeg import codec
from deblock.records.photos import reading
from deblock.records.sources import kodak

_LOCAL = pathlib.Path(__file__).parents[4] / "shared" / "data" / "kodak"


@pytest.fixture
def server(monkeypatch):
  """Three tiny images in place of the 24, and the requests that were made for them."""
  names = kodak.NAMES[:3]
  pixels = [np.full((4, 5, 3), number, np.uint8) for number in range(3)]
  monkeypatch.setattr(kodak, "NAMES", names)
  monkeypatch.setattr(kodak, "PIXEL_DIGESTS", tuple(map(kodak.pixel_digest, pixels)))
  held = {
    kodak.URL.format(name=name): codec.encode_png(image)
    for name, image in zip(names, pixels, strict=True)
  }
  requests = []

  def fetch(url):
    requests.append(url)
    return held[url]

  return held, requests, fetch


@pytest.mark.skipif(not _LOCAL.is_dir(), reason="the Kodak images are not here")
def test_the_digests_are_those_of_the_images():
  found = [
    kodak.pixel_digest(reading.read_rgb(str(_LOCAL / f"{number:02d}.png")))
    for number in range(1, 25)
  ]
  assert tuple(found) == kodak.PIXEL_DIGESTS


def test_there_are_24_names_and_digests():
  assert (kodak.NAMES[0], kodak.NAMES[-1]) == ("kodim01.png", "kodim24.png")
  assert len(kodak.NAMES) == len(set(kodak.PIXEL_DIGESTS)) == 24


def test_images_are_fetched_once(tmp_path, server):
  _, requests, fetch = server
  first = kodak.kodak(tmp_path / "cache", fetch)
  assert [image.id for image in first] == ["kodim01", "kodim02", "kodim03"]
  assert all(pathlib.Path(image.path).is_file() for image in first)
  assert len(requests) == 3
  assert kodak.kodak(tmp_path / "cache", fetch) == first
  assert len(requests) == 3
  assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == list(kodak.NAMES)


def test_a_damaged_file_is_fetched_anew(tmp_path, server):
  held, requests, fetch = server
  kodak.kodak(tmp_path, fetch)
  (tmp_path / kodak.NAMES[1]).write_bytes(b"damaged")
  kodak.kodak(tmp_path, fetch)
  assert requests[3:] == [kodak.URL.format(name=kodak.NAMES[1])]
  assert (tmp_path / kodak.NAMES[1]).read_bytes() == held[requests[3]]


def test_an_interrupted_download_is_taken_up(tmp_path, server):
  held, requests, fetch = server

  def broken(url):
    if url.endswith(kodak.NAMES[2]):
      raise urllib.error.URLError("no route")
    return fetch(url)

  with pytest.raises(kodak.DownloadError, match=r"kodim03\.png cannot be fetched: .*no route.*"):
    kodak.kodak(tmp_path, broken)
  assert sorted(path.name for path in tmp_path.iterdir()) == list(kodak.NAMES[:2])
  kodak.kodak(tmp_path, fetch)
  assert requests == list(held)


def test_offline_says_how_to_use_a_folder(tmp_path):
  def offline(url):
    raise ConnectionRefusedError("refused")

  with pytest.raises(kodak.DownloadError, match="refused; give --images=FOLDER"):
    kodak.kodak(tmp_path, offline)


@pytest.mark.parametrize("answer", [codec.encode_png(np.zeros((9, 9, 3), np.uint8)), b"<html>"])
def test_another_image_is_refused_and_not_kept(tmp_path, server, answer):
  with pytest.raises(kodak.DownloadError, match=r"is not the expected kodim01\.png: "):
    kodak.kodak(tmp_path, lambda url: answer)
  assert not list(tmp_path.iterdir())


def test_the_digest_is_that_of_size_and_pixels():
  image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
  expected = hashlib.sha256(b"\x02\0\0\0\x03\0\0\0" + bytes(range(18))).hexdigest()
  assert kodak.pixel_digest(image) == expected
  assert kodak.pixel_digest(np.asfortranarray(image)) == expected
  assert kodak.pixel_digest(image[::-1]) != expected
  assert kodak.pixel_digest(image.reshape(3, 2, 3)) != expected
