// The networks, run by ONNX Runtime's WebAssembly, or by its WebGPU where that agrees with it.

import { ofQuality } from "./tables.js";

// Pixels that a network sees around a part.
const CONTEXTS = { fast: 40, default: 32 };
const MOST_THREADS = 8;
const TRIAL_SECONDS = 15, TRIAL_SIDE = 64, MOST_DIFFERENCE = 0.05 / 255;
const FOLDER = new URL("./runtime/", import.meta.url);

let runtime = null, device = null;
const sessions = {};

// What runs where, for people.
export const state = { device: "", threads: 1, trial: "" };

async function load(file, binary) {
  const ort = await import(new URL(file, FOLDER));
  ort.env.wasm.wasmPaths = { mjs: new URL(`${binary}.mjs`, FOLDER).href, wasm: new URL(`${binary}.wasm`, FOLDER).href };
  state.threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS) : 1;
  ort.env.wasm.numThreads = state.threads;
  ort.env.logLevel = "error";
  return ort;
}

const model = (name) => new URL(`./networks/${name}.onnx`, import.meta.url).href;

function opened(ort, name, provider) {
  return ort.InferenceSession.create(model(name), {
    executionProviders: [provider], enableMemPattern: false, logSeverityLevel: 3,
  });
}

async function run(ort, session, window, rows, columns, tables) {
  const output = await session.run({
    compressed: new ort.Tensor("float32", window, [1, rows, columns, 3]),
    tables: new ort.Tensor("float32", Float32Array.from(tables.flat()), [1, 2, 8, 8]),
  });
  return output.restored.data;
}

// Returns {context, run}, which restore.js takes; the runtime and the network are loaded once.
export async function network(name) {
  runtime ??= load("ort.wasm.min.mjs", "ort-wasm-simd-threaded");
  const ort = await runtime;
  device ??= (state.device = "WebAssembly");
  sessions[name] ??= opened(ort, name, "wasm");
  const session = await sessions[name];
  return { context: CONTEXTS[name], run: (...window) => run(ort, session, ...window) };
}
