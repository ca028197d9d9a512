// Restoring in a page: `const restored = await deblock.restore(blobOrImage)`.

import { TYPES } from "./encoding.js";
import { isJpeg, read } from "./jpeg.js";
import { nearestQuality, ofFile } from "./tables.js";

const OPTIONS = { model: "fast", strength: 1, quality: 0, format: "png", progress: () => {}, signal: null };
export const MODELS = ["fast", "default"];

let worker = null, count = 0;
const waiting = new Map();

function started() {
  if (worker) return worker;
  // A worker from a blob keeps the page's content security policy; one from a file has none.
  const script = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  worker = new Worker(address, { type: "module", name: "deblock" });
  worker.onmessage = ({ data }) => {
    const task = waiting.get(data.id);
    if (!task) return;
    if (data.kind === "begun") task.begun();
    else if (data.kind === "progress") task.progress(data.share);
    else {
      waiting.delete(data.id);
      if (data.kind === "done") task.resolve(data);
      else if (data.kind === "stopped") task.reject(new DOMException("stopped", "AbortError"));
      else task.reject(new Error(data.reason));
    }
  };
  worker.onerror = (event) => {
    event.preventDefault?.();
    worker.terminate();
    worker = null;
    for (const task of waiting.values()) task.reject(new Error(`cannot be restored: the worker failed (${event.message || "it did not start"})`));
    waiting.clear();
  };
  return worker;
}

// Sends a task to the worker; returns a promise of {blob, facts, state}.
export function ask(task, { progress = () => {}, begun = () => {}, signal = null } = {}) {
  const id = ++count;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(new DOMException("stopped", "AbortError"));
      return;
    }
    waiting.set(id, { resolve, reject, progress, begun });
    started().postMessage({ ...task, id });
    signal?.addEventListener("abort", () => worker?.postMessage({ id, kind: "stop" }), { once: true });
  });
}

async function blobOf(source) {
  if (source instanceof Blob) return source;
  const address = source instanceof HTMLImageElement ? source.currentSrc || source.src : String(source);
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address} cannot be read: ${answer.status}`);
  return answer.blob();
}

// Returns a Blob, turned the way a viewer shows it.
// source: a Blob or File, an image element or an address of this host. options: model "fast" or
// "default"; strength 0 to 1; quality 1 to 100, or 0 for what the file says; format "png", "webp" or
// "jpg"; progress, a function of the share that is done; signal of an AbortController.
// Rejects with an Error whose message is a clause, or with an AbortError.
export async function restore(source, options = {}) {
  const { model, strength, quality, format, progress, signal } = { ...OPTIONS, ...options };
  if (!MODELS.includes(model)) throw new RangeError(`model must be fast or default, got ${model}.`);
  if (!(strength >= 0 && strength <= 1)) throw new RangeError(`strength must be in [0, 1], got ${strength}.`);
  if (!(Number.isInteger(quality) && quality >= 0 && quality <= 100)) throw new RangeError(`quality must be 0 to 100, got ${quality}.`);
  if (!(format in TYPES)) throw new RangeError(`format must be png, webp or jpg, got ${format}.`);
  const file = await blobOf(source);
  const { blob } = await ask({ kind: "restore", file, model, strength, quality, format }, { progress, signal });
  return blob;
}

// Replaces an image element's JPEG by its restored form if it is small and of low quality.
async function upgraded(image, { model, strength, mostPixels, mostQuality }) {
  const blob = await blobOf(image), bytes = new Uint8Array(await blob.arrayBuffer());
  if (!isJpeg(bytes)) return false;
  const header = read(bytes, { coefficients: false });
  if (header.width * header.height > mostPixels || nearestQuality(ofFile(header)) > mostQuality) return false;
  const address = URL.createObjectURL(await restore(blob, { model, strength }));
  const { width, height } = image.getBoundingClientRect();
  // The layout stays, whatever chose among the sources.
  for (const source of image.closest("picture")?.querySelectorAll("source") ?? []) source.remove();
  image.removeAttribute("srcset");
  if (!image.hasAttribute("width") && width) [image.width, image.height] = [Math.round(width), Math.round(height)];
  image.src = address;
  image.dataset.deblock = "restored";
  return true;
}

// Restores the small JPEGs of low quality of a document once they are visible; returns a function
// that stops it. Images of other hosts need CORS; those that cannot be read stay as they are.
export function upgrade(place = document, options = {}) {
  const chosen = { model: "fast", strength: 1, mostPixels: 1e6, mostQuality: 75, selector: "img", ...options };
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      const ready = target.complete ? Promise.resolve() : target.decode();
      ready.then(() => upgraded(target, chosen)).catch(() => { target.dataset.deblock = "left"; });
    }
  });
  for (const image of place.querySelectorAll(chosen.selector)) observer.observe(image);
  return () => observer.disconnect();
}
