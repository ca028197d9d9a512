import itertools

import pytest
import tensorflow as tf

from deblock.launch.pipeline_report import stage_times


def _clock(seconds):
  """Returns a clock that moves on by so many seconds each time it is read."""
  return (value * seconds for value in itertools.count()).__next__


def _measured(*rows):
  return [stage_times.StageTime(*row) for row in rows]


def test_crops_are_counted_by_the_clocks_that_are_given():
  stages = {"tiles": tf.data.Dataset.range(10**6), "batches": tf.data.Dataset.range(10**6)}
  tiles, batches = stage_times.measure(
    stages, {"tiles": 16, "batches": 32}, 5.0, _clock(1.0), _clock(0.25)
  )
  # The clock is read at the start, five times within the time and once past it, and at the end:
  # four calls of four elements.
  assert tiles == ("tiles", 4 * 4 * 16, 6.0, 0.25)
  assert batches == ("batches", 4 * 4 * 32, 6.0, 0.25)


def test_elements_of_any_shape_can_be_pulled():
  ragged = tf.data.Dataset.range(1, 10**6).map(lambda count: (tf.zeros([count % 7, 2]), "text"))
  (spent,) = stage_times.measure({"ragged": ragged}, {"ragged": 1}, 0.01)
  assert spent.crops > 0 and spent.seconds > 0


def test_a_stage_costs_what_it_adds_and_never_less_than_nothing():
  added = stage_times.costs(
    _measured(("a", 10, 1.0, 2.0), ("b", 100, 40.0, 30.0), ("c", 10, 2.0, 1.0), ("d", 2, 1.0, 1.0))
  )
  assert [cost.name for cost in added] == ["a", "b", "c", "d"]
  assert [cost.microseconds for cost in added] == pytest.approx([1e5, 3e5, 0, 1e5])
  assert [cost.cpu_microseconds for cost in added] == pytest.approx([2e5, 1e5, 0, 2e5])


def test_the_table_names_the_stage_that_adds_most_time_though_another_computes_more():
  text = stage_times.table(
    _measured(("read", 1000, 8.0, 0.1), ("cut", 1000, 9.0, 5.0), ("batch", 2000, 20.0, 11.0)), 10
  )
  header, *rows, whole, limit = text.splitlines()
  assert header.split() == ["stage", "us/crop", "CPU-us/crop", "share", "of", "time"]
  assert [row.split() for row in rows] == [
    ["read", "8000.0", "100.0", "80%"],
    ["cut", "1000.0", "4900.0", "10%"],
    ["batch", "1000.0", "500.0", "10%"],
  ]
  # 100 crops a second, each of two images of 10x10 pixels, three colours and four bytes.
  assert whole == (
    "whole: 100 crops/s, 0 MB/s of float pixels, 0.55 CPU-seconds per second, "
    "5500.0 CPU-us per crop"
  )
  assert "240 MB/s" in stage_times.table(_measured(("whole", 10**6, 10.0, 9.0)), 10)
  assert limit == "limited by: read"


def test_threads_are_limited_where_a_number_is_given():
  dataset = tf.data.Dataset.range(3)
  assert stage_times.limit_threads(dataset, 0) is dataset
  options = stage_times.limit_threads(dataset, 3).options()
  assert options.threading.private_threadpool_size == 3
  assert options.autotune.cpu_budget == 3
