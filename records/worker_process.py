"""A process that does one thing after the other for this one, and that may end while it does.

Requests and answers are lines of JSON. It is started again with the next request. It ends with this
process, however this one ends: `serve`, which it runs, sees the end of its requests.
"""

import _thread
from collections.abc import Callable, Iterator
import contextlib
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from typing import IO, Any

from deblock.records import json_text

_TICK_SECONDS = 0.5  # Where Ctrl-C cannot end a wait, the longest until it is heeded.
_SECONDS_TO_CLEAN_UP = 1.0
_MARGIN_BYTES = 2**29
_MOST_BYTES = 2**26  # Of a request or an answer.
# With this process's own places of modules. By itself, Python would take modules from the working
# directory, which can be a folder of files of unknown origin.
_START = "import sys; sys.path[:] = sys.argv[1:]; "


class EndedError(RuntimeError):
  """The process ended, or was ended; the message is the rest of a clause."""


class WorkerProcess:
  """A process that answers requests."""

  def __init__(
    self, program: str, first: dict[str, Any], log: Callable[[str], None], seconds: float
  ):
    """Starts it.

    Args:
      program: in Python. It runs `serve`.
      first: request that prepares it for others; it answers {} or {"error": MESSAGE}.
      log: called with each answer's "log".
      seconds: that it may take to prepare itself.
    Raises:
      ValueError: if it answers with an error.
      OSError: if it cannot be started, or ends.
    """
    self._program = program
    self._first = first
    self._log = log
    self._seconds = seconds
    self._process: subprocess.Popen | None = None
    try:
      self._open()
    except EndedError as error:
      raise OSError(f"a process for the work {error}.") from error
    except BaseException:
      self.close()
      raise

  def ask(
    self,
    request: dict[str, Any],
    seconds: float,
    on_count: Callable[[int], None] = lambda count: None,
  ) -> dict[str, Any]:
    """Returns the last answer to a request; starts the process first if it has ended.

    Args:
      request: what JSON can hold.
      seconds: of silence before the first answer that end the process.
      on_count: called with the "count" of all answers but the last.
    Raises:
      EndedError: if the process ends, or is ended.
    """
    if self._process is None:
      self._open()
    process = self._process
    assert process is not None
    try:
      requests, _ = _pipes(process)
      # A process that is gone answers with an end.
      with contextlib.suppress(BrokenPipeError):
        requests.write(json.dumps(request).encode("ascii") + b"\n")
        requests.flush()
      return self._last_answer(process, seconds, on_count)
    except EndedError:
      process.kill()
      self.close()
      raise

  def close(self) -> None:
    """Ends the process, which removes what it has half written."""
    process, self._process = self._process, None
    if process is None:
      return
    requests, answers = _pipes(process)
    try:
      with contextlib.suppress(OSError):
        requests.close()
      with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(2 * _SECONDS_TO_CLEAN_UP)
    finally:
      process.kill()
      process.wait()
      self._listener.join()
      answers.close()

  def _open(self):
    """Starts the process, and waits until it is prepared."""
    paths = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100, links stay links
    with _without_ctrl_c():
      self._process = subprocess.Popen(
        [sys.executable, "-c", _START + self._program, *paths],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # On Windows, no console appears.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
      )
    self._answers: queue.Queue[bytes] = queue.Queue()
    listening = (_pipes(self._process)[1], self._answers)
    self._listener = threading.Thread(target=_put_lines, args=listening, daemon=True)
    self._listener.start()
    answer = self.ask(self._first, self._seconds)
    if "error" in answer:
      self.close()
      raise ValueError(answer["error"])

  def _last_answer(self, process, seconds, on_count):
    ends = time.monotonic() + seconds
    while True:
      try:
        line = self._answers.get(timeout=_TICK_SECONDS)
      except queue.Empty:
        if time.monotonic() < ends:
          continue
        raise EndedError(f"was ended after {seconds:.0f} s without a sign of life") from None
      if not line:
        how = how_it_ended(process.wait())
        memory = ", perhaps because memory ran out" if how == "SIGKILL" else ""
        raise EndedError(f"ended ({how}{memory})")
      answer = _parsed(line)
      if "log" in answer:
        self._log(answer["log"])
      elif "count" in answer:
        ends = float("inf")
        on_count(answer["count"])
      else:
        return answer


def serve(
  answer_to: Callable[[dict[str, Any], Callable[..., None]], dict[str, Any]],
) -> None:
  """Answers the requests on standard input until they end, and then ends the process.

  Args:
    answer_to: from a request to its last answer; given a function besides that sends others, such
      as send(count=3).
  """
  # Either ends what it does as Ctrl-C would, see `_listen`.
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.default_int_handler)
  answers = os.fdopen(os.dup(1), "w", encoding="ascii")
  # What libraries print must not get among the answers.
  os.dup2(2, 1)

  def send(**facts):
    answers.write(json.dumps(facts) + "\n")
    answers.flush()

  requests: queue.Queue[bytes] = queue.Queue()
  threading.Thread(target=_listen, args=(requests,), daemon=True).start()
  try:
    while line := requests.get():
      send(**answer_to(_parsed(line), send))
    # At once, before `_listen` interrupts.
    os._exit(0)
  except (KeyboardInterrupt, BrokenPipeError):
    # Files are cleaned up on the way here, and nothing else needs to be.
    os._exit(1)


def _parsed(line):
  # Facts about a restored image may be infinite.
  return json_text.parse(line, "a line of a process for untrusted files", _MOST_BYTES, finite=False)


def limit_memory(more_bytes: int) -> None:
  """Makes allocations of this process fail beyond what it has now, where Linux can do that.

  Args:
    more_bytes: that it may take; beside a margin of 512 MiB, also for threads.
  """
  try:
    import resource

    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
  except (ImportError, OSError):
    return
  found = re.search(r"VmData:\s+(\d+) kB", status)
  # CUDA reserves address space as it likes.
  if not found or pathlib.Path("/proc/driver/nvidia/version").exists():
    return
  most = int(found[1]) * 2**10 + more_bytes + _MARGIN_BYTES
  _, hard = resource.getrlimit(resource.RLIMIT_DATA)
  if hard == resource.RLIM_INFINITY or most < hard:
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def how_it_ended(status: int) -> str:
  """Returns how a process ended, by its status: the name of a signal, or the status."""
  if status < 0:
    with contextlib.suppress(ValueError):
      return signal.Signals(-status).name
  return f"exit status {status}"


def _listen(requests):
  """Puts requests on a queue. Where they end, also as their sender was killed, ends the process."""
  _put_lines(sys.stdin.buffer, requests)
  # A file that is half written is removed. Ctrl-C's own signal does not reach this process.
  if hasattr(signal, "pthread_kill"):
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
  else:
    _thread.interrupt_main()
  time.sleep(_SECONDS_TO_CLEAN_UP)
  os._exit(1)


def _put_lines(stream, lines):
  """Puts each line on a queue, and an empty one where they end."""
  for line in stream:
    lines.put(line)
  lines.put(b"")


def _pipes(process) -> tuple[IO[bytes], IO[bytes]]:
  """Returns where the requests go to, and where the answers come from."""
  assert process.stdin is not None and process.stdout is not None
  return process.stdin, process.stdout


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
  """Starts processes that Ctrl-C does not reach: a terminal sends it to all of a command's."""
  if not hasattr(signal, "pthread_sigmask"):
    yield
    return
  # A process keeps the mask of the one that started it.
  before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
  try:
    yield
  finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
