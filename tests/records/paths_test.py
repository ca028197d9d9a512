from deblock.records import paths


def test_absolute_paths_are_of_local_files_only(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv("HOME", "/home/somebody")
  assert paths.absolute("a/b") == f"{tmp_path}/a/b"
  assert paths.absolute("~/a") == "/home/somebody/a"
  assert paths.absolute("") == ""
  assert paths.absolute("gs://bucket/a") == "gs://bucket/a"
