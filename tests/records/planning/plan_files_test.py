import pytest
import tensorflow as tf

from deblock.records.planning import plan, plan_files
from deblock.records.sources import identity


def test_a_plan_comes_back_as_it_was(tmp_path):
  images = (
    identity.SourceImage("é/1.png", "/p/é/1.png", "g", "c"),
    identity.SourceImage.alone("b", "c"),
  )
  item = plan.ShardPlan("test", 3, 7, images)
  path = plan_files.save(str(tmp_path), item)
  assert path == f"{tmp_path}/deblock-test.tfrecord-00003-of-00007.plan.json"
  assert plan_files.load(path) == item


def test_a_missing_plan_is_named(tmp_path):
  with pytest.raises(tf.errors.NotFoundError, match=r"none\.plan\.json"):
    plan_files.load(str(tmp_path / "none.plan.json"))
