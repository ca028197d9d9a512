// The networks, run by ONNX Runtime's WebAssembly.

// Pixels that a network sees around a part.
const CONTEXTS = { fast: 40, default: 32 };
const MOST_THREADS = 8;
const FOLDER = new URL("./runtime/", import.meta.url);

let runtime = null;
const sessions = {};

// What runs where, for people.
export const state = { device: "WebAssembly", threads: 1 };

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
  // What could not be loaded, such as without a connection, is tried again for the next file.
  runtime ??= load("ort.wasm.min.mjs", "ort-wasm-simd-threaded").catch((error) => {
    runtime = null;
    throw error;
  });
  const ort = await runtime;
  sessions[name] ??= opened(ort, name, "wasm").catch((error) => {
    delete sessions[name];
    throw error;
  });
  const session = await sessions[name];
  return { context: CONTEXTS[name], run: (...window) => run(ort, session, ...window) };
}
