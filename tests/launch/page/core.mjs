// Runs the page's modules in Node for core_test.py: a list of tasks in JSON on standard input, their
// answers on standard output.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(name, folder));
const [jpeg, tables, restoring, metadata, encoding, archive] = await Promise.all(
  ["jpeg.js", "tables.js", "restore.js", "metadata.js", "encoding.js", "zip.js"].map(load)
);
const bytesOf = (path) => new Uint8Array(readFileSync(path));

// Blurs a little: a network that Python has too.
const network = {
  context: 40,
  async run(window, rows, columns) {
    const made = new Float32Array(window.length);
    const at = (y, x, c) => window[(Math.min(Math.max(y, 0), rows - 1) * columns + Math.min(Math.max(x, 0), columns - 1)) * 3 + c];
    for (let y = 0, to = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        for (let c = 0; c < 3; c++) {
          made[to++] = 0.59317 * at(y, x, c) + 0.1017075 * (at(y, x - 1, c) + at(y, x + 1, c) + at(y - 1, x, c) + at(y + 1, x, c));
        }
      }
    }
    return made;
  },
};

const acts = {
  // The header, and the coefficients of each component.
  read({ path, out }) {
    const found = jpeg.read(bytesOf(path));
    const planes = found.components.map((c) => {
      const made = new Int16Array(c.rows * c.columns * 64);
      for (let row = 0; row < c.rows; row++) {
        made.set(c.integers.subarray(row * c.stride * 64, (row * c.stride + c.columns) * 64), row * c.columns * 64);
      }
      return made;
    });
    planes.forEach((plane, n) => writeFileSync(`${out}.${n}`, plane));
    const seen = tables.ofFile(found);
    return {
      width: found.width, height: found.height, colours: jpeg.colours(found), sampling: jpeg.sampling(found),
      progressive: found.progressive, tables: seen, quality: tables.nearestQuality(seen),
      shapes: found.components.map((c) => [c.rows, c.columns]), orientation: metadata.orientationOf(bytesOf(path)),
      factors: found.components.map((c) => c.factors), steps: found.components.map((c) => [...c.steps]),
    };
  },
  async restore({ path, out, strength = 1, quality = 0 }) {
    const found = await restoring.restore(bytesOf(path), { network: async () => network, strength, quality });
    writeFileSync(out, found.pixels);
    return found.facts;
  },
  async save({ path, out, format = "png" }) {
    const bytes = bytesOf(path), found = await restoring.restore(bytes, { network: async () => network });
    const kept = metadata.upright(metadata.read(bytes), found.count, found.facts.kind);
    const { blob, notes } = await encoding.encode(found, kept, format, bytes);
    writeFileSync(out, new Uint8Array(await blob.arrayBuffer()));
    return { notes };
  },
  // Metadata of one file into another.
  carry({ path, into, out, kind, width, height }) {
    const kept = metadata.upright(metadata.read(bytesOf(path)), 3, "YCbCr"), image = bytesOf(into);
    writeFileSync(out, kind === "jpg" ? metadata.intoJpeg(image, kept) : metadata.intoWebp(image, width, height, false, kept));
    return {};
  },
  async zip({ paths, names, out }) {
    const made = await archive.zip(paths.map((path, n) => ({ name: names[n], blob: new Blob([bytesOf(path)]) })));
    writeFileSync(out, new Uint8Array(await made.arrayBuffer()));
    return {};
  },
  parts: ({ length, context, grid }) => restoring.parts(length, context, grid),
};

const answers = [];
for (const { act, ...task } of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    answers.push(await acts[act](task));
  } catch (error) {
    const known = error instanceof jpeg.JpegError || error instanceof restoring.RestoreError;
    answers.push({ error: error.message, known, stack: known ? "" : error.stack });
  }
}
process.stdout.write(JSON.stringify(answers));
