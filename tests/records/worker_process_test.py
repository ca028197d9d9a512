"""Processes that work for this one: they may end at any time, and never outlive it."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from deblock.records import worker_process

_SLOW = pytest.mark.slow
_PROGRAM = """
import os, pathlib, signal, time
from deblock.records import worker_process

def answer(request, send):
  what = request["do"]
  if what == "prepare":
    send(log="prepared")
    return {}
  if what == "fail to prepare":
    return {"error": "mine.onnx is damaged"}
  if what == "count":
    print("a library prints")
    send(count=3)
    return {"process": os.getpid()}
  if what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
  if what == "exit":
    os._exit(7)
  path = pathlib.Path(request["file"])
  try:
    path.write_text(str(os.getpid()))
    time.sleep(60)
  finally:
    path.unlink()

worker_process.serve(answer)
"""


@pytest.fixture
def worker():
  """The function (preparation) -> WorkerProcess, and what it logged, in a list."""
  made, logged = [], []

  def start(first="prepare"):
    made.append(worker_process.WorkerProcess(_PROGRAM, {"do": first}, logged.append, 30.0))
    return made[-1], logged

  yield start
  for one in made:
    one.close()


def _runs(process):
  try:
    return pathlib.Path(f"/proc/{process}/stat").read_text().split(") ")[1][0] != "Z"
  except OSError:
    return False


def _wait_for(condition, seconds=20.0):
  ends = time.monotonic() + seconds
  while not condition():
    assert time.monotonic() < ends
    time.sleep(0.02)


@_SLOW
def test_a_process_that_dies_is_named_and_the_next_request_gets_a_new_one(worker):
  one, logged = worker()
  counts = []
  first = one.ask({"do": "count"}, 30.0, counts.append)["process"]
  assert counts == [3] and logged == ["prepared"]
  with pytest.raises(worker_process.EndedError, match=r"ended \(SIGKILL, perhaps because memory"):
    one.ask({"do": "die"}, 30.0)
  second = one.ask({"do": "count"}, 30.0)["process"]
  assert second != first and not _runs(first) and logged == ["prepared"] * 2
  with pytest.raises(worker_process.EndedError, match=r"ended \(exit status 7\)"):
    one.ask({"do": "exit"}, 30.0)
  one.close()
  _wait_for(lambda: not _runs(second))


@_SLOW
def test_silence_ends_a_process(worker, tmp_path):
  one, _ = worker()
  with pytest.raises(worker_process.EndedError, match="was ended after 1 s without a sign of life"):
    one.ask({"do": "sleep", "file": str(tmp_path / "a")}, 1.0)
  # It was asked to clean up, and had no time to.
  assert one.ask({"do": "count"}, 30.0)


@_SLOW
def test_a_failed_preparation_is_a_mistake_of_the_user(worker):
  with pytest.raises(ValueError, match=r"mine\.onnx is damaged"):
    worker("fail to prepare")
  with pytest.raises(OSError, match=r"a process for the work ended \(exit status 7\)"):
    worker("exit")


@_SLOW
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_ends_and_cleans_up_when_the_one_it_works_for_is_killed(tmp_path, by):
  program = f"""
from deblock.records import worker_process
one = worker_process.WorkerProcess({_PROGRAM!r}, {{"do": "prepare"}}, print, 30.0)
one.ask({{"do": "sleep", "file": {str(tmp_path / "half")!r}}}, 60.0)
"""
  with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL) as parent:
    half = tmp_path / "half"
    _wait_for(lambda: half.exists() and half.read_text())
    process = int(half.read_text())
    parent.send_signal(by)
  _wait_for(lambda: not _runs(process), 5.0)
  assert not half.exists()


@_SLOW
def test_no_module_is_taken_from_the_working_directory(worker, tmp_path, monkeypatch):
  (tmp_path / "json.py").write_text("raise SystemExit(9)")
  (tmp_path / "numpy.py").write_text("raise SystemExit(9)")
  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
  one, _ = worker()
  assert one.ask({"do": "count"}, 30.0)["process"] != os.getpid()
