"""Beam pipelines that run on this machine, in this process or in several."""

import os
import sys

import apache_beam as beam
from apache_beam.options import pipeline_options
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.transforms import environments


def local_pipeline(workers: int) -> beam.Pipeline:
  """Returns an empty pipeline whose steps run on this machine.

  Args:
    workers: processes; 1 means this one, 0 one for each core.
  """
  workers = workers or os.cpu_count() or 1
  environment = None
  if workers > 1:
    # The runner's own "multi_processing" starts workers that log every step to the terminal, so
    # the same kind of process is started here through a module that hushes them.
    # "exec" puts it in the place of the shell, so that it is this process's own child.
    environment = environments.SubprocessSDKEnvironment.from_command_string(
      f'exec "{sys.executable}" -m deblock.records.beam_worker'
    )
  options = pipeline_options.PipelineOptions.from_dictionary({"direct_num_workers": workers})
  return beam.Pipeline(runner=fn_runner.FnApiRunner(environment), options=options)
