"""Times PyTorch's networks on request, so that both sides run in turn, never at once.

Reads a JSON object a line, {"network", "work": "inference" or "training", "shape": [B, H, W],
"layout": "plain" or "channels_last", "threads"}, and answers each with {"wall", "cpu",
"parameters", "peak_mib"}: seconds of one run, trained parameters, and the largest growth of the
process so far.
"""

import json
import resource
import sys
import time

import torch
from torch.nn import functional
import torch_networks


def prepared(request):
  """Returns a function that does the work once, and the number of parameters."""
  torch.manual_seed(0)
  name = request["network"]
  network = torch_networks.NETWORKS[name]()
  batch, height, width = request["shape"]
  compressed = torch.rand(batch, torch_networks.CHANNELS.get(name, 3), height, width)
  tables = torch.full((batch, 2, 8, 8), 16.0)
  if request["layout"] == "channels_last":
    network = network.to(memory_format=torch.channels_last)
    compressed = compressed.contiguous(memory_format=torch.channels_last)
  parameters = sum(parameter.numel() for parameter in network.parameters())
  if request["work"] == "inference":
    network.eval()

    def infer():
      with torch.inference_mode():
        network(compressed, tables)

    return infer, parameters
  margin = torch_networks.CONSUMED.get(name, 0)
  clean = torch.rand_like(compressed)[:, :, margin : height - margin, margin : width - margin]
  optimizer = torch.optim.Adam(network.parameters(), 1e-3)

  def train():
    optimizer.zero_grad(set_to_none=True)
    loss = functional.l1_loss(network(compressed, tables), clean)
    loss.backward()
    optimizer.step()
    loss.item()

  return train, parameters


def main():
  """Answers until its input ends."""
  start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  kept, kind = {}, None
  for line in sys.stdin:
    request = json.loads(line)
    torch.set_num_threads(request["threads"])
    if kind != (request["network"], request["work"]):
      kept.clear()
      kind = request["network"], request["work"]
    if line not in kept:
      kept[line] = prepared(request)
      kept[line][0]()
    work, parameters = kept[line]
    began, began_cpu = time.perf_counter(), time.process_time()
    work()
    answer = {
      "wall": time.perf_counter() - began,
      "cpu": time.process_time() - began_cpu,
      "parameters": parameters,
      "peak_mib": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 1024.0,
    }
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
  main()
