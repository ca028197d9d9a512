from tensorboard.plugins.hparams import metadata
import tensorflow as tf

from deblock.launch.reporting import hyperparameters


def _content(serialised):
  summary = tf.compat.v1.Summary.FromString(serialised)
  return summary.value[0].metadata.plugin_data.content


def test_a_session_opens_with_what_decides_and_what_was_changed(small_run):
  run = small_run(logdir="sweep/wide", qualities=(10, 20), log_every_steps=4)
  start = metadata.parse_session_start_info_plugin_data(_content(hyperparameters.start(run)))
  found = {name: value.WhichOneof("kind") for name, value in start.hparams.items()}
  assert found["model"] == found["loss"] == found["qualities"] == "string_value"
  assert found["learning_rate"] == found["width"] == "number_value"
  assert start.hparams["qualities"].string_value == "10,20"
  assert start.hparams["batch_size"].number_value == 4
  assert start.group_name == "sweep/wide"
  # Neither what is as usual, nor folders, nor what changes nothing that is learnt.
  assert not {"schedule", "records", "logdir", "log_every_steps"} & found.keys()


def test_a_session_ends_well_or_not():
  ends = [_content(hyperparameters.end(succeeded)) for succeeded in (True, False)]
  well, badly = (metadata.parse_session_end_info_plugin_data(end) for end in ends)
  assert well.status != badly.status
  assert well.end_time_secs > 1e9
