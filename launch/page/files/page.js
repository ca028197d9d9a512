// The page: takes files, shows their results, and saves them. The work is the worker's.

import * as deblock from "./deblock.js";
import { element, slider } from "./slider.js";
import { zip } from "./zip.js";

const find = (id) => document.getElementById(id);
const items = [];
let viewed = null, shownView = null;

const size = (bytes) => bytes < 1e6 ? `${(Math.ceil(bytes / 100) / 10).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
const counted = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

function settings() {
  return {
    model: document.querySelector("[name=model]:checked").value,
    strength: Number(find("strength").value) / 100,
  };
}

// What is known of a file, in words.
function words({ width, height, quality, asked, kind, sampling, progressive, unchanged, held, keptClose, notes = [] }, bytes) {
  const made = [`${width} × ${height}`, size(bytes)];
  if (kind) made.push(`quality ${quality}${asked ? `, ${asked} as asked` : ""}`, [kind, sampling, progressive ? "progressive" : ""].filter(Boolean).join(" "));
  else if (quality) made.push(`quality ${quality} as asked`);
  if (unchanged) {
    made.push(kind ? "left as it is: there is nothing to restore" : "set the quality it had as a JPEG");
  } else {
    if (kind && !held) made.push("restored freely");
    if (keptClose > 0.1) made.push(`${Math.round(100 * keptClose)} % kept close to the JPEG`);
  }
  return [...made, ...notes].join(" · ");
}

function statusOf(item) {
  switch (item.state) {
    case "waiting": return `waiting · ${size(item.file.size)}`;
    case "working": return `restoring, ${Math.round(100 * item.share)} %`;
    case "stopped": return "stopped";
    case "failed": return `${item.file.name} ${item.reason}.`;
    default: return words(item.facts, item.file.size);
  }
}

function resultName({ file }, format) {
  return `${file.name.replace(/\.[^.]*$/, "") || "image"}.${format}`;
}

// One row of the list.
function row(item) {
  const name = element("button", { type: "button", className: "name", textContent: item.file.name });
  name.addEventListener("click", () => view(item));
  item.status = element("span", { className: "status" });
  item.bar = element("progress", { max: 1, value: 0, hidden: true });
  item.bar.setAttribute("aria-label", `Progress of ${item.file.name}`);
  item.act = element("button", { type: "button", className: "button small" });
  item.act.addEventListener("click", () => act(item));
  item.row = element("li", {}, name, item.status, item.bar, element("span", { className: "buttons" }, item.act));
  item.name = name;
  find("list").append(item.row);
}

function drawn(item) {
  const busy = item.state === "waiting" || item.state === "working";
  item.row.className = item.state;
  item.status.textContent = statusOf(item);
  item.bar.hidden = item.state !== "working";
  item.bar.value = item.share;
  const text = busy ? "Stop" : item.state === "done" ? "Save" : "Again";
  item.act.textContent = text;
  item.act.setAttribute("aria-label", `${text}: ${item.file.name}`);
  const done = items.filter(({ state }) => state === "done"), open = items.filter(({ state }) => ["waiting", "working"].includes(state));
  find("files").textContent = open.length ? `${done.length} of ${counted(items.length, "file")}` : counted(items.length, "file");
  find("save-all").disabled = !done.length;
  find("stop-all").hidden = !open.length;
  if (item === viewed) drawnView();
  if (!open.length) {
    const failed = items.filter(({ state }) => state === "failed").length;
    find("said").textContent = `${counted(done.length, "file")} restored${failed ? `, ${failed} failed` : ""}.`;
  }
}

function act(item) {
  if (item.state === "waiting" || item.state === "working") halt(item);
  else if (item.state === "done") save(item);
  else begin(item);
}

// What is being worked on stops after its part; what waits, at once.
function halt(item) {
  item.stop.abort();
  if (item.state === "waiting") {
    item.state = "stopped";
    drawn(item);
  }
}

// Restores a file, again if settings have changed since.
async function begin(item) {
  item.stop?.abort();
  const stop = item.stop = new AbortController();
  Object.assign(item, { state: "waiting", share: 0 });
  drawn(item);
  const current = () => item.stop === stop;
  try {
    const task = { kind: "restore", file: item.file, format: "png", quality: item.quality, ...settings() };
    const { blob, facts, state } = await deblock.ask(task, {
      signal: stop.signal,
      begun: () => { if (current()) { item.state = "working"; drawn(item); } },
      progress: (share) => { if (current()) { item.share = share; drawn(item); } },
    });
    if (!current()) return;
    if (item.address) URL.revokeObjectURL(item.address);
    Object.assign(item, { state: "done", blob, facts, address: URL.createObjectURL(blob) });
    debug({ ...state, seconds: facts.seconds.toFixed(1) });
    if (!viewed) view(item);
  } catch (error) {
    if (!current()) return;
    item.state = error.name === "AbortError" ? "stopped" : "failed";
    item.reason = error.message;
    if (item.state === "failed") find("said").textContent = `${item.file.name} ${item.reason}.`;
  }
  drawn(item);
}

// Shows a file in the slider.
function view(item) {
  viewed = item;
  shownView = null;
  for (const { name } of items) name.removeAttribute("aria-current");
  item.name.setAttribute("aria-current", "true");
  find("quality").value = item.quality || "";
  drawnView();
}

function drawnView() {
  const item = viewed;
  find("viewer").hidden = !item?.facts;
  if (!item?.facts) return;
  find("viewer").classList.toggle("busy", item.state !== "done");
  find("viewed").textContent = item.file.name;
  find("facts").textContent = item.state === "done" ? words(item.facts, item.file.size) : statusOf(item);
  find("save").hidden = item.state !== "done";
  find("quality").placeholder = item.facts.kind ? `${item.facts.quality} in the file` : "1 to 100";
  const { width, height, orientation, unchanged } = item.facts;
  const [across, down] = orientation > 4 ? [height, width] : [width, height];
  if (!shownView) {
    item.original ??= URL.createObjectURL(item.file);
    shownView = slider({ name: item.file.name, width: across, height: down });
    find("compare").replaceChildren(...shownView.elements);
  }
  shownView.show(
    { text: "before", source: item.original }, { text: unchanged ? "unchanged" : "restored", source: item.address }
  );
  prepared(item);
}

// The link saves a PNG at once; other formats are made when they are asked for.
function prepared(item) {
  const format = find("format").value, link = find("save");
  link.textContent = `Save ${{ png: "PNG", webp: "WebP", jpg: "JPEG" }[format]}`;
  link.download = resultName(item, format);
  link.href = item.address;
}

async function result(item, format) {
  if (format === "png") return item.blob;
  const made = await deblock.ask({ kind: "convert", file: item.file, result: item.blob, facts: item.facts, format });
  item.facts.notes = made.facts.notes;
  return made.blob;
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function save(item) {
  const format = find("format").value;
  try {
    download(await result(item, format), resultName(item, format));
    drawn(item);
  } catch (error) {
    unsaved(item, error);
  }
}

function unsaved(item, error) {
  item.facts.notes = [`not saved: ${error.message}`];
  drawn(item);
  find("said").textContent = `${item.file.name} not saved: ${error.message}.`;
}

async function saveAll() {
  const format = find("format").value, button = find("save-all");
  button.disabled = true;
  try {
    const files = [];
    for (const item of items.filter(({ state }) => state === "done")) {
      try {
        files.push({ name: resultName(item, format), blob: await result(item, format) });
        drawn(item);
      } catch (error) {
        unsaved(item, error);
      }
    }
    if (files.length) download(await zip(files), "restored.zip");
  } finally {
    button.disabled = false;
  }
}

export function take(files) {
  const chosen = [...files];
  if (!chosen.length) return;
  document.body.classList.add("filled");
  find("batch").hidden = false;
  for (const file of chosen) {
    const item = { file, state: "waiting", share: 0, quality: 0, reason: "" };
    items.push(item);
    row(item);
    begin(item);
  }
}

function clear() {
  for (const item of items) {
    item.stop.abort();
    for (const address of [item.address, item.original]) if (address) URL.revokeObjectURL(address);
  }
  items.length = 0;
  viewed = shownView = null;
  find("list").replaceChildren();
  find("compare").replaceChildren();
  find("batch").hidden = find("viewer").hidden = true;
  document.body.classList.remove("filled");
  find("choose").focus();
}

// The files of dropped folders too.
async function dropped(transfer) {
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some(({ isDirectory }) => isDirectory)) return [...transfer.files];
  const files = [];
  async function walk(entry) {
    if (entry.isFile) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    else {
      const reader = entry.createReader();
      for (;;) {
        // A reader gives up to 100 entries at a time.
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!some.length) break;
        for (const one of some) await walk(one);
      }
    }
  }
  for (const entry of entries) await walk(entry);
  return files.filter(({ name, type }) => type.startsWith("image/") || /\.(jpe?g|jfif|jpe|mpo)$/i.test(name));
}

function debug(state) {
  if (!new URLSearchParams(location.search).has("debug")) return;
  find("debug").hidden = false;
  find("debug").textContent = Object.entries({
    ...state, isolated: self.crossOriginIsolated, cores: navigator.hardwareConcurrency,
    webgpu: "gpu" in navigator, offline: Boolean(navigator.serviceWorker?.controller), agent: navigator.userAgent,
  }).map(([name, value]) => `${name}: ${value}`).join("\n");
}

find("choose").addEventListener("change", (event) => {
  take(event.target.files);
  event.target.value = "";
});
document.addEventListener("paste", (event) => take(event.clipboardData?.files ?? []));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  find("drop").classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) find("drop").classList.remove("over");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  take(await dropped(event.dataTransfer));
});
// What is looked at comes first.
const again = () => [viewed, ...items.filter((item) => item !== viewed)].forEach((item) => {
  if (item && (item.state !== "failed" || item.facts)) begin(item);
});
for (const choice of document.querySelectorAll("[name=model]")) choice.addEventListener("change", again);
find("strength").addEventListener("input", () => { find("strength-text").textContent = `${find("strength").value} %`; });
find("strength").addEventListener("change", again);
find("format").addEventListener("change", () => { if (viewed?.facts) prepared(viewed); });
find("quality").addEventListener("change", (event) => {
  const value = Math.round(Number(event.target.value));
  viewed.quality = value ? Math.min(Math.max(value, 1), 100) : 0;
  event.target.value = viewed.quality || "";
  begin(viewed);
});
find("save").addEventListener("click", (event) => {
  if (find("format").value === "png") return;
  event.preventDefault();
  save(viewed);
});
find("save-all").addEventListener("click", saveAll);
find("stop-all").addEventListener("click", () => {
  for (const item of items) if (item.state === "waiting" || item.state === "working") halt(item);
});
find("clear").addEventListener("click", clear);
find("settings").addEventListener("submit", (event) => event.preventDefault());
debug({});
navigator.serviceWorker?.register("sw.js").catch(() => {}); // Without it the page works online.
