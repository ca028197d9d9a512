"""The page for browsers: what it ships, how fast it is beside deblock-restore, and its runtime.

make bench PART=page SUB='bytes speed runtimes' BESIDE=NODE_MODULES

- bytes: of our own code, with and without comments, of the runtime and of the networks, raw and
  gzipped.
- speed: whole files of 0.4, 2 and 12 megapixels in headless Chromium, with one thread and with as
  many as there are cores, beside the program: seconds, CPU-seconds of all processes, and the peak
  memory of the page's process. A second run of the smallest file shows what the start costs.
- runtimes: the network alone, 768x512, by onnxruntime-web and by LiteRT.js, in turns, each in a
  fresh browser. BESIDE is a folder where npm has installed both: npm install onnxruntime-web@1.30.0
  @litertjs/core@2.5.3.
"""

import argparse
import base64
import contextlib
import gzip
import importlib.util
import os
import pathlib
import re
import sys
import tempfile
import threading
import time

from PIL import Image
import restore
import start

from deblock.launch.page import building, runtime, serving

PARTS = ("bytes", "speed", "runtimes")
SIZES = {"0.4": (512, 768), "2": (1224, 1632), "12": (3000, 4000)}
RUNS = tuple((size, model) for model in ("fast", "default") for size in SIZES)
SECONDS = 3600
_ROUNDS, _RUNS = 2, 3

_RESTORE = """const [text, model, done] = arguments;
const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
import("./deblock.js").then(async ({ restore }) => {
  const began = performance.now();
  const blob = await restore(new Blob([bytes]), { model });
  done([(performance.now() - began) / 1000, blob.size]);
}).catch((error) => done([String(error), 0]));"""
_ALONE = """const done = arguments[arguments.length - 1];
const size = 512 * 768 * 3, tables = new Float32Array(128).fill(20);
const input = Float32Array.from({ length: size }, (_, n) => ((n * 7919) % 256) / 255);
(async () => {
  const began = performance.now(), times = [];
  BODY
  const ready = performance.now() - began;
  for (let n = 0; n < RUNS; n++) {
    const first = performance.now();
    await run();
    times.push(performance.now() - first);
  }
  return [ready, times];
})().then(done, (error) => done([String(error), []]));"""
_BODIES = {
  "onnxruntime-web": """const ort = await import("/onnxruntime-web/dist/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = "/onnxruntime-web/dist/";
  ort.env.wasm.numThreads = THREADS;
  const session = await ort.InferenceSession.create("/fast.onnx", { executionProviders: ["wasm"] });
  const run = () => session.run({
    compressed: new ort.Tensor("float32", input, [1, 512, 768, 3]),
    tables: new ort.Tensor("float32", tables, [1, 2, 8, 8]),
  });""",
  "LiteRT.js": """const litert = await import("/@litertjs/core/dist/index.js");
  await litert.loadLiteRt("/@litertjs/core/wasm/", { threads: THREADS > 1 });
  const model = await litert.loadAndCompile("/fast.tflite", { accelerator: "wasm" });
  const run = async () => {
    const compressed = new litert.Tensor(input, [1, 512, 768, 3]);
    const steps = new litert.Tensor(tables, [1, 2, 8, 8]);
    const made = Object.values(await model.run({ compressed, tables: steps }))[0];
    await made.data();
    for (const tensor of [compressed, steps, made]) tensor.delete();
  };""",
}


def _browser():
  path = pathlib.Path(__file__).parents[1] / "browser.py"
  spec = importlib.util.spec_from_file_location(path.stem, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def _processes(root):
  """Returns the numbers of a process and of all that come from it."""
  parents = {}
  for folder in pathlib.Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(OSError):
      fields = (folder / "stat").read_text().rpartition(")")[2].split()
      parents[int(folder.name)] = int(fields[1])
  found = {root}
  while grown := {pid for pid, parent in parents.items() if parent in found} - found:
    found |= grown
  return found


def _cpu_seconds(root):
  total = 0
  for pid in _processes(root):
    with contextlib.suppress(OSError):
      fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
      total += sum(map(int, fields[11:13]))
  return total / os.sysconf("SC_CLK_TCK")


def _peak_mb(root):
  """Returns the largest peak memory of a browser's processes that show pages."""
  most = 0
  for pid in _processes(root):
    with contextlib.suppress(OSError):
      if b"--type=renderer" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        most = max(most, int(status.partition("VmHWM:")[2].split()[0]))
  return most / 1000


@contextlib.contextmanager
def _page(files, headers=serving.HEADERS):
  """Yields a fresh browser with a page, and the number of its driver's process."""
  with (
    serving.of(files, 0, headers) as server,
    _browser().opened() as session,
  ):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    session.set_script_timeout(SECONDS)
    session.command_executor.client_config.timeout = SECONDS
    session.get(f"http://127.0.0.1:{server.server_port}/")
    yield session, session.service.process.pid
    server.shutdown()


def _bytes():
  groups = {"our code": {}, "runtime": {}, "fast": {}, "default": {}}
  for name, content in building.contents().items():
    folder, _, file = name.rpartition("/")
    group = {"": "our code", "runtime": "runtime"}.get(folder, file.removesuffix(".onnx"))
    groups[group][name] = content
  print("part         files      bytes    gzipped")
  # Lines of comments and indentation, which the browser does without.
  groups["no comments"] = {
    name: re.sub(rb"(?m)^\s*(//.*)?\n|^[ ]+", b"", content)
    for name, content in groups["our code"].items()
  }
  for name, files in groups.items():
    raw = sum(map(len, files.values()))
    small = sum(len(gzip.compress(content)) for content in files.values())
    print(f"{name:<11}{len(files):>7}{raw:>11,}{small:>11,}")


def _speed(folder):
  contents = building.contents()
  # Threads need the headers; the service worker would add them.
  single = {**contents, building.WORKER: b""}
  print("megapixels  network  how            seconds   CPU-s  peak MB", flush=True)
  for size, model in RUNS:
    path = folder / f"{size}.jpg"
    Image.fromarray(restore.photograph(*SIZES[size])).save(path, quality=30)
    text = base64.b64encode(path.read_bytes()).decode()
    for how, files, headers in (
      ("1 thread", single, {}),
      (f"{os.cpu_count()} threads", contents, serving.HEADERS),
    ):
      with _page(files, headers) as (session, pid):
        for run in ("", ", again")[: 1 + (size == "0.4")]:
          before = _cpu_seconds(pid)
          seconds, _ = session.execute_async_script(_RESTORE, text, model)
          used = _cpu_seconds(pid) - before
          label = f"{how}{run}"
          print(
            f"{size:>10}  {model:<7}  {label:<16}{seconds:>6.1f}{used:>8.1f}{_peak_mb(pid):>9.0f}",
            flush=True,
          )
    program = str(pathlib.Path(sys.executable).parent / "deblock-restore")
    out = f"--out={folder / 'out'}"
    began = time.monotonic()
    used, peak = start.cost([program, str(path), out, f"--model={model}", "--overwrite"], folder)
    seconds = time.monotonic() - began
    print(
      f"{size:>10}  {model:<7}  {'deblock-restore':<16}{seconds:>6.1f}{used:>8.1f}{peak:>9.0f}",
      flush=True,
    )


def _fixed_network():
  """Returns the fast network for LiteRT with sides that LiteRT.js takes: fixed ones."""
  import tensorflow as tf

  from deblock.model import pretrained, restorer

  network, _ = pretrained.load("fast")
  call = restorer.with_constants(network)
  specs = [
    tf.TensorSpec((1, 512, 768, 3), name="compressed"),
    tf.TensorSpec((1, 2, 8, 8), name="tables"),
  ]
  function = tf.function(
    lambda compressed, tables: call([compressed, tables]), input_signature=specs, autograph=False
  )
  concrete = function.get_concrete_function()
  return tf.lite.TFLiteConverter.from_concrete_functions([concrete], function).convert()


def _runtimes(modules):
  map_ = '{"imports": {"@litertjs/wasm-utils": "/@litertjs/wasm-utils/dist/index.js"}}'
  index = f'<!DOCTYPE html><link rel="icon" href="data:,"><script type="importmap">{map_}</script>'
  files = {"index.html": index.encode(), "fast.tflite": _fixed_network()}
  files["fast.onnx"] = building.contents()["networks/fast.onnx"]
  for package in ("onnxruntime-web", "@litertjs/core", "@litertjs/wasm-utils"):
    for path in (modules / package).rglob("*"):
      if path.suffix in (".js", ".mjs", ".wasm"):
        files[path.relative_to(modules).as_posix()] = path.read_bytes()
  print("runtime          threads  ready, s  runs, s                 CPU-s  peak MB", flush=True)
  for _ in range(_ROUNDS):
    for name, body in _BODIES.items():
      for threads in (1, os.cpu_count()):
        script = _ALONE.replace("BODY", body.replace("THREADS", str(threads)))
        with _page(files) as (session, pid):
          before = _cpu_seconds(pid)
          ready, times = session.execute_async_script(script.replace("RUNS", str(_RUNS)))
          used = _cpu_seconds(pid) - before
          first = f"{name:<16}{threads:>8}{ready / 1000:>10.1f}"
          shown = " ".join(f"{value / 1000:.2f}" for value in times)
          print(f"{first}  {shown:<24}{used:>5.1f}{_peak_mb(pid):>9.0f}", flush=True)


def main():
  """Measures the parts that are named, or all that can be."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawTextHelpFormatter
  )
  parser.add_argument("parts", nargs="*", metavar="PART")
  parser.add_argument("--beside", type=pathlib.Path)
  options = parser.parse_args()
  if unknown := set(options.parts) - set(PARTS):
    parser.error(f"parts are {', '.join(PARTS)}, got {', '.join(sorted(unknown))}.")
  chosen = options.parts or [part for part in PARTS if part != "runtimes" or options.beside]
  if "runtimes" in chosen and not options.beside:
    parser.error(
      f"runtimes needs BESIDE, where npm has installed onnxruntime-web@{runtime.VERSION}."
    )
  if "bytes" in chosen:
    _bytes()
  if "speed" in chosen:
    with tempfile.TemporaryDirectory() as folder:
      _speed(pathlib.Path(folder))
  if "runtimes" in chosen:
    _runtimes(options.beside)


if __name__ == "__main__":
  main()
