import pickle

import apache_beam as beam
from apache_beam.testing import util as beam_testing

from deblock.records.planning import plan
from deblock.records.sources import listing
from deblock.records.writing import beam_steps, shard


def test_every_shard_is_written_and_counted(tmp_path, write_images, small_config):
  images = write_images(tmp_path / "images")
  (images / "broken.png").write_bytes(b"no image")
  config = small_config(images, tmp_path / "out")
  (tmp_path / "out" / shard.SIDECARS).mkdir(parents=True)
  images = listing.from_pattern(config.images)
  splits = plan.assign_splits(images, 0.3)
  the_plan = plan.make_plan(images, splits, {"train": 2, "test": 1})
  paths = tuple(shard.save_plan(item, str(tmp_path)) for item in the_plan.shards)

  pipeline = beam_steps.local_pipeline(1)
  results = pipeline | beam_steps.WriteShards(paths, config)
  names = results | beam.Map(lambda result: result[0])
  expected = [item.name for item in the_plan.shards]
  beam_testing.assert_that(names, beam_testing.equal_to(expected))
  outcome = pipeline.run()
  outcome.wait_until_finish()

  counted = {
    counter.key.metric.name: counter.committed
    for counter in outcome.metrics().query(
      beam.metrics.MetricsFilter().with_namespace("deblock.records")
    )["counters"]
  }
  assert counted == {"shards": len(expected), "tiles": 15, "skipped_images": 1}
  assert all((tmp_path / "out" / name).is_file() for name in expected)


def test_the_function_travels_to_workers(small_config):
  config = small_config("images", "out")
  copy = pickle.loads(pickle.dumps(beam_steps.WriteShardFn(config)))
  assert vars(copy) == vars(beam_steps.WriteShardFn(config))
