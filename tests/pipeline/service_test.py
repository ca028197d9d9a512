"""Batches through a dispatcher and workers that run in this process, on loopback."""

import contextlib
import os
import re
import socket

import numpy as np
import pytest
import tensorflow as tf

from deblock.pipeline import config as config_lib
from deblock.pipeline import dataset, service
from deblock.records import paths

# Two batches a window of two tiles; seven tiles an epoch; five windows a stretch.
_SETTINGS = {
  "batch_size": 4,
  "crop_size": 24,
  "crops_per_tile": 4,
  "mixed_tiles": 2,
  "shuffled_tiles": 4,
}
_STRETCH = 10
_EPOCHS = 3 * 7  # Batches of six epochs, the first number that whole windows fill twice.
_MOST = 400


@contextlib.contextmanager
def _running(count):
  """Yields the address of a dispatcher, and its workers."""
  servers = tf.data.experimental.service
  dispatcher = servers.DispatchServer()
  address = dispatcher.target.removeprefix("grpc://")
  workers = [
    servers.WorkerServer(servers.WorkerConfig(dispatcher_address=address)) for _ in range(count)
  ]
  yield dispatcher.target, workers
  for server in (*workers, dispatcher):
    server.stop()


# New ones for each test: workers that hold old jobs take long to stop.
@pytest.fixture
def two_workers():
  with _running(2) as running:
    yield running


@pytest.fixture
def one_worker():
  with _running(1) as (address, _):
    yield address


def _batches(records, first_batch=0, **changes):
  config = config_lib.InputConfig(**_SETTINGS, **changes)
  return dataset.training_dataset(config, records.manifest, 1, first_batch=first_batch)


def _content(made):
  return b"".join(np.ascontiguousarray(part).tobytes() for part in made)


@pytest.fixture(scope="module")
def position_of(records):
  """The position of each batch, by its content, in the stream that one machine makes."""
  made = _batches(records).take(_MOST).as_numpy_iterator()
  positions = {_content(one): position for position, one in enumerate(made)}
  assert len(positions) == _MOST, "batches must differ"
  return positions


def _closed_port():
  with socket.socket() as free:
    free.bind(("localhost", 0))
    return free.getsockname()[1]


@pytest.mark.slow
def test_two_workers_make_each_batch_of_an_epoch_once(records, two_workers, position_of):
  wanted, arrived, workers_took_turns = set(range(_EPOCHS)), [], False
  address, _ = two_workers
  for made in _batches(records, data_service=address).as_numpy_iterator():
    arrived.append(position_of[_content(made)])
    # A worker alone keeps the order of what it makes, as the next test shows.
    workers_took_turns |= arrived[-1] // _STRETCH < max(arrived) // _STRETCH
    if workers_took_turns and wanted <= set(arrived):
      break
  assert len(set(arrived)) == len(arrived)


@pytest.mark.slow
def test_a_worker_that_goes_takes_with_it_only_what_it_had_begun(records, two_workers, position_of):
  address, (first, _) = two_workers
  batches = _batches(records, data_service=address).as_numpy_iterator()
  arrived = [position_of[_content(next(batches))] for _ in range(2 * _STRETCH)]
  first.stop()
  arrived += [position_of[_content(next(batches))] for _ in range(10 * _STRETCH)]
  assert len(set(arrived)) == len(arrived)
  missing = set(range(max(arrived) - 2 * _STRETCH)) - set(arrived)
  # Finished stretches may lie in its buffers, but no more than a few.
  assert len({position // _STRETCH for position in missing}) <= 5


@pytest.mark.slow
@pytest.mark.parametrize(
  "changes",
  [{}, {"degradation": "online"}, {"degradation": "online", "jpeg": "jpegsim"}],
  ids=["stored", "libjpeg", "jpegsim"],
)
def test_one_worker_makes_the_very_stream(records, one_worker, changes, batch_spec):
  served = _batches(records, data_service=one_worker, **changes)
  assert served.element_spec == batch_spec(4, 24)
  count = _STRETCH + 2
  expected = _batches(records, **changes).take(count).as_numpy_iterator()
  for one, other in zip(served.take(count).as_numpy_iterator(), expected, strict=True):
    assert _content(one) == _content(other)


@pytest.mark.slow
def test_bad_records_are_left_out_by_the_workers_too(tmp_path, write_records, damaging, one_worker):
  made = write_records(tmp_path, {"train": [2, 3, 3]})
  first, second, _ = made.manifest.shard_paths("train")
  damaging.flip(first, 0)
  damaging.spoil(second, 1, "no JPEG")
  skipping = {"on_bad_record": "skip", "max_bad_share": 0.5}
  expected = _batches(made, **skipping).take(_STRETCH).as_numpy_iterator()
  served = _batches(made, **skipping, data_service=one_worker).take(_STRETCH).as_numpy_iterator()
  for one, other in zip(served, expected, strict=True):
    assert _content(one) == _content(other)


def test_what_workers_make_is_measured_as_a_whole(records, one_worker):
  config = config_lib.InputConfig(**_SETTINGS, data_service=one_worker)
  stages = dataset.prefixes(config, records.manifest, 1)
  assert list(stages) == ["mix, batch, float"]


@pytest.mark.slow
@pytest.mark.parametrize("first", [9, 22])
def test_the_stream_is_entered_at_any_batch(records, one_worker, position_of, first):
  served = _batches(records, first, data_service=one_worker).take(3).as_numpy_iterator()
  found = [position_of[_content(made)] for made in served]
  assert found == list(range(first, first + 3))


@pytest.mark.slow
def test_hosts_are_served_their_own_shards(whole_tiles, one_worker):
  config = config_lib.InputConfig(
    crop_size=32,
    crops_per_tile=1,
    mixed_tiles=1,
    batch_size=1,
    augment=False,
    data_service=one_worker,
  )
  seen = []
  for host, count in ((0, 5), (1, 2)):
    batches = dataset.training_dataset(config, whole_tiles.manifest, 0, host=host, hosts=2)
    seen += [np.rint(made.clean[0] * 255.0).astype(np.uint8) for made in batches.take(count)]
  stored = [tile.tobytes() for tile in whole_tiles.tiles["train"]]
  assert sorted(tile.tobytes() for tile in seen) == sorted(stored)


@pytest.mark.slow
def test_a_folder_of_records_is_found_from_another_folder(
  records, one_worker, monkeypatch, tmp_path, position_of
):
  relative = os.path.relpath(records.manifest.folder)
  moved = type(records)(
    type(records.manifest)(**{**vars(records.manifest), "folder": relative}), records.tiles
  )
  batches = _batches(moved, data_service=one_worker)
  monkeypatch.chdir(tmp_path)
  (made,) = batches.take(1).as_numpy_iterator()
  assert position_of[_content(made)] == 0


@pytest.mark.slow
def test_an_error_at_a_worker_reaches_the_trainer(records, one_worker):
  settings = {**_SETTINGS, "crop_size": 56, "data_service": one_worker}
  batches = dataset.training_dataset(config_lib.InputConfig(**settings), records.manifest, 0)
  with pytest.raises(tf.errors.InvalidArgumentError, match="crop_size is larger than a tile"):
    next(iter(batches))


def test_an_address_that_nobody_listens_at_is_named(records):
  address = f"grpc://localhost:{_closed_port()}"
  message = f"data_service {address} cannot be reached: .*refused.*deblock-data-service"
  with pytest.raises(ConnectionError, match=message):
    _batches(records, data_service=address)


def test_a_machine_that_is_silent_is_given_up_after_a_while(monkeypatch):
  def silent(address, timeout):
    assert (address, timeout) == (("far", 5050), 0.5)
    raise TimeoutError

  monkeypatch.setattr(socket, "create_connection", silent)
  message = r"dispatcher far:5050 cannot be reached: no answer in 0\.5 s"
  with pytest.raises(ConnectionError, match=message):
    service.check_reachable("dispatcher", "far:5050", timeout_s=0.5)


@pytest.mark.parametrize(
  ("address", "expected"),
  [
    ("grpc://localhost:5050", ("localhost", 5050)),
    ("10.0.0.7:1", ("10.0.0.7", 1)),
    ("grpc://data-0.cluster.local:65535", ("data-0.cluster.local", 65535)),
  ],
)
def test_an_address_is_host_and_port(address, expected):
  assert paths.parse_address("data_service", address) == expected


@pytest.mark.parametrize(
  "address",
  [
    "",
    "localhost",
    "grpc://localhost",
    "grpc://:5050",
    "grpc://localhost:",
    "grpc://localhost:0",
    "grpc://localhost:65536",
    "grpc://localhost:port",
    "http://localhost:5050",
    "grpc://localhost:5050/",
    "grpc://a b:5050",
    "grpc://grpc://localhost:5050",
  ],
)
def test_what_is_no_address_is_refused(address):
  message = rf"dispatcher must be like grpc://host:port, got {re.escape(repr(address))}"
  with pytest.raises(ValueError, match=message):
    paths.parse_address("dispatcher", address)
