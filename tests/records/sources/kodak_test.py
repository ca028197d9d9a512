import hashlib
import http.server
import pathlib
import re
import threading
from typing import ClassVar

import numpy as np
import pytest

from deblock.records.jpeg import codec
from deblock.records.photos import reading
from deblock.records.sources import kodak

_LOCAL = pathlib.Path(__file__).parents[4] / "shared" / "data" / "kodak"


class _Places(http.server.BaseHTTPRequestHandler):
  """Both places, /first and /second. `faults` says which paths fail, and how."""

  held: ClassVar[dict[str, bytes]] = {}
  requests: ClassVar[list[str]] = []
  faults: ClassVar[dict[str, str]] = {}

  def do_GET(self):
    self.requests.append(self.path)
    fault = next((how for prefix, how in self.faults.items() if self.path.startswith(prefix)), "")
    data = self.held.get(self.path)
    if data is None or fault == "missing":
      self.send_error(404)
      return
    self.send_response(200)
    body = {"": data, "cut": data[:-9], "other": b"<html>"}[fault]
    self.send_header("Content-Length", str(len(data if fault == "cut" else body)))
    self.end_headers()
    self.wfile.write(body)

  def log_message(self, *unused):
    pass


@pytest.fixture
def server(monkeypatch):
  """A local server with three tiny images in place of the 24, at both places."""
  names = kodak.NAMES[:3]
  pixels = [np.full((4, 5, 3), number, np.uint8) for number in range(3)]
  monkeypatch.setattr(kodak, "NAMES", names)
  monkeypatch.setattr(kodak, "PIXEL_DIGESTS", tuple(map(kodak.pixel_digest, pixels)))
  held = {f"/first/kodim{n:02d}.png": codec.encode_png(p) for n, p in enumerate(pixels, 1)}
  held |= {f"/second/{n:02d}.png": codec.encode_png(p) for n, p in enumerate(pixels, 1)}
  monkeypatch.setattr(_Places, "held", held)
  monkeypatch.setattr(_Places, "requests", [])
  monkeypatch.setattr(_Places, "faults", {})
  with http.server.HTTPServer(("127.0.0.1", 0), _Places) as listening:
    place = f"http://127.0.0.1:{listening.server_port}"
    urls = (f"{place}/first/kodim{{number:02d}}.png", f"{place}/second/{{number:02d}}.png")
    monkeypatch.setattr(kodak, "URLS", urls)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield _Places
    listening.shutdown()
    thread.join()


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


def test_the_places_are_those_of_the_images():
  assert [url.format(number=7).rpartition("/")[2] for url in kodak.URLS] == [
    "kodim07.png",
    "07.png",
  ]
  assert all(url.startswith("https://") for url in kodak.URLS)


def test_images_are_fetched_once(tmp_path, server, capsys):
  first = kodak.kodak(tmp_path / "cache")
  assert "fetching the Kodak images: 100%" in capsys.readouterr().err
  assert [image.id for image in first] == ["kodim01", "kodim02", "kodim03"]
  assert all(pathlib.Path(image.path).is_file() for image in first)
  assert server.requests == [f"/first/{name}" for name in kodak.NAMES]
  assert kodak.kodak(tmp_path / "cache") == first
  assert len(server.requests) == 3
  assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == list(kodak.NAMES)
  assert not capsys.readouterr().err


def test_a_damaged_file_is_fetched_again(tmp_path, server):
  kodak.kodak(tmp_path)
  (tmp_path / kodak.NAMES[1]).write_bytes(b"damaged")
  kodak.kodak(tmp_path)
  assert server.requests[3:] == ["/first/kodim02.png"]
  assert (tmp_path / kodak.NAMES[1]).read_bytes() == server.held["/first/kodim02.png"]


@pytest.mark.parametrize("fault", ["missing", "cut", "other"])
def test_where_the_first_place_fails_the_second_is_asked_and_then_asked_first(
  tmp_path, server, fault
):
  server.faults["/first"] = fault
  assert len(kodak.kodak(tmp_path)) == 3
  assert server.requests == [
    "/first/kodim01.png",
    "/second/01.png",
    "/second/02.png",
    "/second/03.png",
  ]


def test_an_interrupted_download_resumes(tmp_path, server):
  server.faults |= {"/first/kodim03": "missing", "/second/03": "cut"}
  with pytest.raises(kodak.DownloadError) as caught:
    kodak.kodak(tmp_path)
  message = str(caught.value)
  assert re.search(r"/first/kodim03\.png cannot be fetched: HTTP Error 404", message)
  assert re.search(r"/second/03\.png cannot be fetched: IncompleteRead", message)
  assert f"Put the files by hand into {tmp_path}, as kodim01.png to kodim03.png or" in message
  assert "--images=FOLDER" in message
  assert sorted(path.name for path in tmp_path.iterdir()) == list(kodak.NAMES[:2])
  server.faults.clear()
  del server.requests[:]
  kodak.kodak(tmp_path)
  assert server.requests == ["/first/kodim03.png"]


def test_files_put_there_by_hand_are_used_under_both_names(tmp_path, server):
  for number, name in ((1, "kodim01.png"), (2, "02.png"), (3, "03.png")):
    (tmp_path / name).write_bytes(server.held[f"/second/{number:02d}.png"])
  found = kodak.kodak(tmp_path)
  assert [image.id for image in found] == ["kodim01", "kodim02", "kodim03"]
  assert [pathlib.Path(image.path).name for image in found] == ["kodim01.png", "02.png", "03.png"]
  assert not server.requests


@pytest.mark.parametrize("answer", [codec.encode_png(np.zeros((9, 9, 3), np.uint8)), b"<html>"])
def test_another_image_is_refused_and_not_kept(tmp_path, server, answer):
  with pytest.raises(kodak.DownloadError, match=r"/first/kodim01\.png is another image: "):
    kodak.kodak(tmp_path, lambda url: answer)
  assert not list(tmp_path.iterdir())


def test_an_answer_without_end_is_given_up(monkeypatch, server):
  monkeypatch.setattr(kodak, "_MOST_BYTES", 10)
  with pytest.raises(OSError, match="more than 10 bytes"):
    kodak.fetch_url(kodak.URLS[0].format(number=1))


def test_the_digest_is_that_of_size_and_pixels():
  image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
  expected = hashlib.sha256(b"\x02\0\0\0\x03\0\0\0" + bytes(range(18))).hexdigest()
  assert kodak.pixel_digest(image) == expected
  assert kodak.pixel_digest(np.asfortranarray(image)) == expected
  assert kodak.pixel_digest(image[::-1]) != expected
  assert kodak.pixel_digest(image.reshape(3, 2, 3)) != expected
