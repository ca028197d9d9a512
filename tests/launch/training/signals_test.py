import os
import signal
import threading

import pytest

from deblock.launch.training import signals


@pytest.fixture(autouse=True)
def listened_to():
  """Handlers as a program finds them in a terminal; those of a background job are ignored."""
  before = {
    number: signal.signal(number, signal.default_int_handler)
    for number in (signal.SIGINT, signal.SIGTERM)
  }
  yield
  for number, handler in before.items():
    signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_a_wish_and_not_the_end(number, status, capfd):
  with signals.on_signals() as request:
    assert not request() and request.signal is None and request.status == 0
    os.kill(os.getpid(), number)
    assert request.wait(10) and request()
    assert (request.signal, request.status) == (number, status)
  assert "stopping after these steps; Ctrl-C again stops at once" in capfd.readouterr().err


def test_the_second_ctrl_c_ends_the_process_and_a_second_sigterm_does_not():
  left, ended = [], threading.Event()

  def leave(status):
    left.append(status)
    ended.set()

  with signals.on_signals(leave) as request:
    os.kill(os.getpid(), signal.SIGTERM)
    assert request.wait(10)
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert ended.wait(10)
  # One for the SIGINT, none for the SIGTERM before it.
  assert left == [130]
  assert request.signal == signal.SIGTERM


def test_handlers_are_what_they_were_before_and_ignored_signals_stay_so():
  signal.signal(signal.SIGINT, signal.SIG_IGN)
  before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
  with signals.on_signals() as request:
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    assert request.wait(10)
    assert request.signal == signal.SIGTERM
  assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
  assert signal.set_wakeup_fd(-1) == -1
