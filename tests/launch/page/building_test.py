"""The page as a folder of files, its runtime's package, and the server; no browser."""

import base64
import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
import threading
import urllib.error
import urllib.request

import pytest

from deblock.launch.page import building, runtime, serving, settings

MOST_BYTES_GZIPPED = 60_000


@pytest.fixture
def package(tmp_path, monkeypatch):
  """The path of a small package with the runtime's file names, which counts as the right one."""
  path = tmp_path / runtime.FILE
  with tarfile.open(path, "w:gz") as archive:
    for name in runtime.FILES:
      member = tarfile.TarInfo(f"package/dist/{name}")
      member.size = len(name)
      archive.addfile(member, io.BytesIO(name.encode()))
  digest = hashlib.sha512(path.read_bytes()).digest()
  monkeypatch.setattr(runtime, "SHA512", base64.b64encode(digest).decode())
  return path


def test_the_folder_has_all_that_the_page_asks_for(package, tmp_path):
  sizes = building.write(tmp_path / "page", str(package))
  written = {
    path.relative_to(tmp_path / "page").as_posix(): path
    for path in (tmp_path / "page").rglob("*")
    if path.is_file()
  }
  assert sizes == {name: path.stat().st_size for name, path in written.items()}
  for name, path in written.items():
    if name.endswith(".js"):
      for imported in re.findall(r'from "\./([^"]+)"', path.read_text("utf-8")):
        assert imported in written, (name, imported)
  page = written["index.html"].read_text("utf-8")
  for name in re.findall(r'(?:src|href)="([^"#]+)"', page):
    assert name in written, name
  # The service worker keeps every file but itself.
  listed = json.loads(re.search(r"FILES = (\[.*\]);", written["sw.js"].read_text("utf-8"))[1])
  assert set(listed) == set(written) - {"sw.js", "index.html"} | {"./"}


def test_our_own_code_is_small(package):
  contents = building.contents(str(package)).items()
  own = [content for name, content in contents if "/" not in name]
  assert sum(len(gzip.compress(content)) for content in own) <= MOST_BYTES_GZIPPED


def test_the_version_changes_with_any_file(package, monkeypatch):
  before = building.contents(str(package))["sw.js"]
  assert building.contents(str(package))["sw.js"] == before
  monkeypatch.setattr(building.slider, "style", lambda: "other")
  assert building.contents(str(package))["sw.js"] != before


def test_nothing_is_named_outside_the_page(package):
  for name, content in building.contents(str(package)).items():
    if not name.startswith("networks/"):
      addresses = set(re.findall(rb"https?://[^\s\"'`)]+", content))
      assert addresses <= {b"http://www.w3.org/2000/svg", b"http://ns.adobe.com/xap/1.0/\\0"}, name


def test_a_folder_with_other_files_is_refused_and_the_page_is_replaced(package, tmp_path):
  (tmp_path / "mine").mkdir()
  (tmp_path / "mine" / "notes.txt").write_text("keep")
  with pytest.raises(FileExistsError, match="mine has other files"):
    building.write(tmp_path / "mine", str(package))
  (tmp_path / "file").write_text("keep")
  with pytest.raises(FileExistsError, match="file is a file"):
    building.write(tmp_path / "file", str(package))
  building.write(tmp_path / "page", str(package))
  (tmp_path / "page" / "style.css").write_text("old")
  building.write(tmp_path / "page", str(package))
  assert (tmp_path / "page" / "style.css").read_bytes() == (
    building.FILES / "style.css"
  ).read_bytes()


def test_another_package_is_refused(tmp_path):
  path = tmp_path / "other.tgz"
  path.write_bytes(b"other")
  with pytest.raises(ValueError, match=r"other\.tgz is not onnxruntime-web-.*SHA-512"):
    runtime.files(str(path))


@pytest.fixture
def registry(tmp_path, monkeypatch):
  """Names a registry on this machine and an empty cache; returns the registry's files, none yet."""
  files = {}
  monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
  monkeypatch.setenv("no_proxy", "127.0.0.1")
  with serving.of(files, 0) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(runtime.REGISTRY_VARIABLE, f"http://127.0.0.1:{server.server_port}/mirror/")
    yield files
    server.shutdown()


def test_the_package_is_downloaded_once_and_only_the_right_one_is_kept(package, registry, capsys):
  path = f"mirror/onnxruntime-web/-/{runtime.FILE}"
  with pytest.raises(OSError, match=rf"{path} cannot be .*\(Not Found\).*--runtime={runtime.FILE}"):
    runtime.files()
  registry[path] = b"bad"
  with pytest.raises(ValueError, match=rf"{path} is not .*SHA-512"):
    runtime.files()
  assert not runtime.cached().exists()
  registry[path] = package.read_bytes()
  expected = {name: name.encode() for name in runtime.FILES}
  capsys.readouterr()
  assert runtime.files() == expected
  assert capsys.readouterr().err.endswith(f"33 MB: {runtime.address()}\n")
  registry.clear()
  assert runtime.files() == expected


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/", "nowhere"])
def test_without_a_connection_the_message_says_how_to_do_without(tmp_path, monkeypatch, address):
  monkeypatch.setenv("no_proxy", "127.0.0.1")
  monkeypatch.setenv(runtime.REGISTRY_VARIABLE, address)
  with pytest.raises(OSError, match=r"cannot be downloaded \(.*\): .*--runtime="):
    runtime.download(tmp_path / runtime.FILE)


def test_the_registry_is_npm_s_and_without_npm_the_message_says_how_to_name_one(
  tmp_path, monkeypatch
):
  monkeypatch.delenv(runtime.REGISTRY_VARIABLE, raising=False)
  monkeypatch.setenv("PATH", str(tmp_path))
  with pytest.raises(OSError, match=r"install npm, or set npm_config_registry to it, or name"):
    runtime.address()
  npm = tmp_path / "npm"
  npm.write_text(f"#!{sys.executable}\nimport sys\nprint('https://a/b/', *sys.argv[1:])\n")
  npm.chmod(0o755)
  assert runtime.address() == (f"https://a/b/ config get registry/onnxruntime-web/-/{runtime.FILE}")


def test_files_are_served_with_their_types_and_headers():
  with serving.of({"index.html": b"<p>", "a.mjs": b"1", "b.wasm": b"2"}, 0) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    kinds = {"": "text/html", "a.mjs?x": "text/javascript", "b.wasm": "application/wasm"}
    for path, kind in kinds.items():
      with urllib.request.urlopen(address + path) as answer:
        assert answer.headers["Content-Type"] == kind
        assert serving.HEADERS.items() <= dict(answer.headers).items()
    with pytest.raises(urllib.error.HTTPError) as raised:
      urllib.request.urlopen(address + "../setup.cfg")
    raised.value.close()
    assert raised.value.code == 404
    with pytest.raises(OSError, match=f"port {server.server_port} cannot be used"):
      serving.of({}, server.server_port)
    server.shutdown()


@pytest.mark.parametrize(
  ("options", "message"), [({}, "out must name"), ({"serve": True, "port": 70000}, "port must be")]
)
def test_flags_are_checked(options, message):
  with pytest.raises(ValueError, match=message):
    settings.PageConfig(**options)


def test_the_program_writes_the_page(program, package, tmp_path):
  done = program("build_page", f"--out={tmp_path / 'page'}", f"--runtime={package}")
  assert done.returncode == 0, done.stderr
  assert done.stdout.startswith(f"page: {tmp_path / 'page'}/index.html (")
