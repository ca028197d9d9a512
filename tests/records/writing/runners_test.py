"""Beam's other runners: what leaves the workers must not depend on who runs them."""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys

from apache_beam.options import pipeline_options
import pytest

from deblock.records.layout import manifest
from deblock.records.writing import writer

_WORKER = f'"{sys.executable}" -m deblock.records.beam_worker'
# Less than any shard needs, more than the files of plans and settings.
_FULL_DISK_BYTES = 4096


def _contents(folder):
  return {path.name: path.read_bytes() for path in pathlib.Path(folder).glob("deblock-*")}


@pytest.fixture(scope="module")
def job_server(tmp_path_factory):
  """The address of Beam's job server, a process of its own."""
  with socket.create_server(("localhost", 0)) as free:
    port = free.getsockname()[1]
  server = subprocess.Popen(
    [
      *(sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main"),
      *(f"--job_port={port}", f"--staging_dir={tmp_path_factory.mktemp('staging')}"),
    ],
    # Not a file: where a worker cannot print its traceback, the job never ends.
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
    start_new_session=True,
  )
  yield f"localhost:{port}"
  # To all of its group: after a test that failed, workers may be left.
  os.killpg(server.pid, signal.SIGTERM)
  server.wait()


def _portable_options(job_server, worker=_WORKER):
  return pipeline_options.PipelineOptions(
    [
      "--runner=PortableRunner",
      f"--job_endpoint={job_server}",
      # The longest wait for the server to come up, and for a job.
      "--job_server_timeout=120",
      # Beam's server in Python knows no environment PROCESS, which is its name on Flink and Spark.
      "--environment_type=beam:env:harness_subprocess_python:v1",
      f"--environment_config={worker}",
    ]
  )


@pytest.fixture
def dask_client():
  """A client of a Dask cluster of two processes."""
  distributed = pytest.importorskip("distributed", reason="needs the extra: deblock[dask]")
  with (
    distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
    distributed.Client(cluster, set_as_default=False) as client,
  ):
    yield client
    # Beam's runner leaves its clients open, which would look for the cluster after its end.
    with contextlib.suppress(ValueError):
      while True:
        distributed.default_client().close()


def _dask_options(client):
  return pipeline_options.PipelineOptions(
    [
      "--runner=apache_beam.runners.dask.dask_runner.DaskRunner",
      f"--dask_client_address={client.scheduler.address}",
      # By default 128 shards would be one task.
      "--dask_partition_size=1",
    ]
  )


@pytest.mark.slow
def test_the_portable_runner_writes_the_same_bytes(records, tmp_path, small_config, job_server):
  config = small_config(records.images, tmp_path / "out")
  made = writer.write(config, pipeline_options=_portable_options(job_server))
  assert made == manifest.load(records.records)
  assert _contents(config.records) == _contents(records.records)


@pytest.mark.slow
def test_a_full_disk_of_a_portable_worker_is_reported(records, tmp_path, small_config, job_server):
  config = small_config(records.images, tmp_path / "out")
  options = _portable_options(job_server, f"ulimit -f {_FULL_DISK_BYTES // 512}; {_WORKER}")
  with pytest.raises(RuntimeError, match="File too large"):
    writer.write(config, pipeline_options=options)


@pytest.mark.slow
def test_dask_writes_the_same_bytes(records, tmp_path, small_config, dask_client):
  config = small_config(records.images, tmp_path / "out")
  made = writer.write(config, pipeline_options=_dask_options(dask_client))
  assert made == manifest.load(records.records)
  assert _contents(config.records) == _contents(records.records)


@pytest.mark.slow
def test_a_full_disk_of_a_dask_worker_is_reported(records, tmp_path, small_config, dask_client):
  config = small_config(records.images, tmp_path / "out")
  limit = (_FULL_DISK_BYTES, _FULL_DISK_BYTES)
  dask_client.run(resource.setrlimit, resource.RLIMIT_FSIZE, limit)
  # Dask hands on the error itself, Beam's own runners a text.
  with pytest.raises((RuntimeError, OSError), match="File too large"):
    writer.write(config, pipeline_options=_dask_options(dask_client))
