// Restores the files that the page sends, one after the other.

import { encode } from "./encoding.js";
import { decode } from "./decoding.js";
import { network, state } from "./network.js";
import { Cancelled, RestoreError, restore } from "./restore.js";
import { read, upright } from "./metadata.js";

const stopped = new Set();
let last = Promise.resolve(), saved = Promise.resolve();

async function restored({ id, file, model, strength, quality, format }) {
  const began = performance.now();
  // Before each part, messages are taken, and results that are asked for are saved.
  const cancelled = async () => {
    await new Promise((resolve) => { setTimeout(resolve); });
    await saved;
    return stopped.has(id);
  };
  if (await cancelled()) throw new Cancelled("stopped");
  const bytes = new Uint8Array(await file.arrayBuffer());
  const found = await restore(bytes, {
    network: () => network(model), decode, strength, quality, cancelled,
    progress: (share) => postMessage({ id, kind: "progress", share }),
  });
  const { blob, notes } = await encode(found, upright(read(bytes), found.count, found.facts.kind), format, bytes);
  const facts = { ...found.facts, notes, bytes: bytes.length, seconds: (performance.now() - began) / 1000 };
  return { id, kind: "done", blob, facts, state };
}

// Another format of a result: its PNG has all of its samples.
async function converted({ id, file, result, facts, format }) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const found = await decode(new Uint8Array(await result.arrayBuffer()), () => {}, "none");
  const all = { ...found, count: 3, facts: { ...facts, orientation: 1 } };
  const { blob, notes } = await encode(all, upright(read(bytes), 3, facts.kind), format, bytes);
  return { id, kind: "done", blob, facts: { ...facts, notes }, state };
}

async function answered(work, task) {
  const { id } = task;
  if (!stopped.has(id)) postMessage({ id, kind: "begun" });
  try {
    postMessage(await work(task));
  } catch (error) {
    const known = error instanceof RestoreError || work === converted;
    if (error instanceof Cancelled) postMessage({ id, kind: "stopped" });
    else postMessage({ id, kind: "failed", reason: known ? error.message : `cannot be restored: ${error.message ?? error}` });
  }
  stopped.delete(id);
}

onmessage = ({ data }) => {
  if (data.kind === "stop") {
    stopped.add(data.id);
    return;
  }
  if (data.kind === "convert") saved = saved.then(() => answered(converted, data));
  else last = last.then(() => answered(restored, data));
};
