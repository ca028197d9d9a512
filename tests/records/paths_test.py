import pytest

from deblock.records import paths


def test_absolute_paths_are_of_local_files_only(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv("HOME", "/home/somebody")
  assert paths.absolute("a/b") == f"{tmp_path}/a/b"
  assert paths.absolute("~/a") == "/home/somebody/a"
  assert paths.absolute("") == ""
  assert paths.absolute("gs://bucket/a") == "gs://bucket/a"


@pytest.mark.parametrize(
  ("address", "expected"),
  [
    ("localhost:5050", ("localhost", 5050)),
    ("data-0.cluster.local:65535", ("data-0.cluster.local", 65535)),
    *(
      (text, None)
      for text in ("", "a", "a:", "a,b:1", ":1", "a:0", "a:65536", "a:b", "a b:1", "a:1/")
    ),
    *((text, None) for text in ("grpc://a:1", "me@a:1", "a:b:1")),
  ],
)
def test_an_address_is_host_and_port(address, expected):
  assert paths.host_and_port(address) == expected


def test_remote_paths_have_a_scheme():
  assert paths.is_remote("gs://bucket/a") and not paths.is_remote("/a/b:c")
