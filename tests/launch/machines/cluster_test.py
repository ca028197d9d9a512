import json

import pytest

from deblock.launch.machines import cluster

TWO = {"worker": ["a:2222", "b:2222"]}


def _tf_config(jobs=TWO, kind="worker", index=1):
  return json.dumps({"cluster": jobs, "task": {"type": kind, "index": index}})


def test_flags_come_before_the_variable():
  environment = {"TF_CONFIG": _tf_config()}
  by_flags = cluster.from_flags("c:1, d:2,e:3", 2, environment)
  assert by_flags == cluster.Cluster(("c:1", "d:2", "e:3"), 2)
  assert cluster.from_flags("", -1, environment).addresses == ("a:2222", "b:2222")
  assert cluster.from_flags("", -1, {}) is None


@pytest.mark.parametrize(("kind", "index", "place"), [("chief", 0, 0), ("worker", 1, 2)])
def test_a_chief_comes_first(kind, index, place):
  found = cluster.parse_tf_config(_tf_config({**TWO, "chief": ["boss:1"]}, kind, index))
  assert found.addresses == ("boss:1", "a:2222", "b:2222")
  assert found.index == place
  assert found.peers == tuple({0, 1, 2} - {place})
  assert found.name(0) == "worker 0 (boss:1)"


def test_a_job_of_one_process_has_no_cluster():
  assert cluster.parse_tf_config("{}") is None


@pytest.mark.parametrize(
  ("text", "message"),
  [
    ("{'cluster': 1}", r"TF_CONFIG is not JSON: .*: \{'cluster': 1\}"),
    ("[1]", r"has no cluster, .*: \[1\]"),
    ('{"task": {"type": "worker", "index": 0}}', r'has no cluster, .*: \{"task"'),
    (_tf_config({"ps": ["a:1"], **TWO}), "names jobs that do not train, ps"),
    (_tf_config({"chief": ["a:1", "b:1"]}), r'one chief at most, .* got \{"chief": \["a:1"'),
    (_tf_config({"worker": "a:1"}), r'and workers, got \{"worker": "a:1"\}'),
    (_tf_config({"worker": ["a", "b:1"]}), "TF_CONFIG must be like host:port,host:port, got 'a'"),
    (_tf_config({"worker": ["a:1", 7]}), "must be like host:port,host:port, got 7"),
    (_tf_config({"worker": ["a:1", "a:1"]}), "TF_CONFIG names a:1 more than once"),
    (json.dumps({"cluster": TWO}), "must say which process this is, .* got null"),
    (_tf_config(index="1"), r'and an index, got \{"type": "worker", "index": "1"\}'),
    (_tf_config(kind="chief", index=0), r"of the cluster's \(worker\) and an index, got"),
    (_tf_config(index=2), r"gives this task as worker 2, which is not in its cluster: .*b:2222"),
    (_tf_config(index=-1), "gives this task as worker -1, which is not in its cluster"),
  ],
)
def test_a_malformed_variable_is_told_with_what_was_found(text, message):
  with pytest.raises(ValueError, match=message):
    cluster.parse_tf_config(text)


@pytest.mark.parametrize(
  ("flags", "message"),
  [
    ({"workers": "a:1,b", "worker_index": 0}, "workers must be like host:port,host:port, got 'b'"),
    ({"workers": "a:1,b:99999", "worker_index": 0}, "like host:port,host:port, got 'b:99999'"),
    ({"workers": "grpc://a:1,b:1", "worker_index": 0}, "got 'grpc://a:1'"),
    ({"workers": "a:1,a:1", "worker_index": 0}, "workers names a:1 more than once"),
    ({"workers": "a:1,b:1"}, r"worker_index must be in \[0, 1\], .* \(a:1, b:1\), got -1"),
    ({"workers": "a:1,b:1", "worker_index": 2}, r"worker_index must be in \[0, 1\], .* got 2"),
    ({"worker_index": 0}, "worker_index goes with --workers, got 0 without"),
    ({"peers_timeout_seconds": 0.0}, "peers_timeout_seconds must be positive, got 0.0"),
  ],
)
def test_flags_that_name_no_cluster_are_refused(flags, message):
  with pytest.raises(ValueError, match=message):
    cluster.ClusterConfig(**flags)
