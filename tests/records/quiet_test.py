import logging
import os

from deblock.records import quiet


def test_warnings_are_held_back_and_errors_are_not(caplog):
  log = logging.getLogger("deblock_test_chatter")
  for hushed in (quiet.logger("deblock_test_chatter"), quiet.everything()):
    caplog.clear()
    with hushed:
      log.warning("chatter")
      log.error("trouble")
    log.warning("afterwards")
    assert [record.message for record in caplog.records] == ["trouble", "afterwards"]


def test_the_error_stream_is_dropped_and_comes_back(capfd):
  with quiet.standard_error():
    os.write(2, b"greeting")
  os.write(2, b"news")
  assert capfd.readouterr().err == "news"


def test_without_an_error_stream_nothing_is_dropped(capfd):
  held = os.dup(2)
  os.close(2)
  try:
    with quiet.standard_error():
      os.write(1, b"work")
  finally:
    os.dup2(held, 2)
    os.close(held)
  assert capfd.readouterr().out == "work"
