// Restores one image: from the bytes of its file to pixels, as deblock's Python module photograph.

import { Cells } from "./cells.js";
import { finish, shares } from "./fading.js";
import * as jpegFile from "./jpeg.js";
import { orientationOf } from "./metadata.js";
import { pixels as pixelsOf } from "./pixels.js";
import { nearestQuality, ofFile, ofQuality } from "./tables.js";

export const MOST_PIXELS = 2 ** 24; // 16 megapixels.
const GOOD = 98, SMALLEST = 16;
// The longest side of a part, without what the network sees around it.
const PART = 640;

export class RestoreError extends Error {}
export class Cancelled extends Error {}

// Returns the parts of a side: where each begins and ends, on multiples of the grid, and its window,
// which has all of the context inside the image. All windows have one size, the least that will do.
export function parts(length, context, grid) {
  if (length <= PART + 2 * context) return [{ first: 0, end: length, window: 0, size: length }];
  const part = Math.ceil(length / Math.ceil(length / PART) / grid) * grid;
  const size = part + 2 * context, last = Math.ceil((length - size) / 8) * 8;
  return Array.from({ length: Math.ceil(length / part) }, (_, n) => ({
    first: n * part,
    end: Math.min((n + 1) * part, length),
    window: Math.min(Math.max(n * part - context, 0), last),
    size,
  }));
}

function checkSize({ width, height }) {
  if (width * height > MOST_PIXELS) {
    const size = ((width * height) / 1e6).toFixed(1);
    throw new RestoreError(`is too large: ${width} × ${height} are ${size} megapixels, and 16.7 fit here. deblock-restore takes larger ones`);
  }
}

// What the network sees of a window; beyond the image its last row and column are repeated.
function seen(image, { width, height, count }, y, x, rows, columns) {
  const made = new Float32Array(rows * columns * 3);
  for (let row = 0, to = 0; row < rows; row++) {
    const line = Math.min(y + row, height - 1) * width;
    for (let column = 0; column < columns; column++) {
      const from = (line + Math.min(x + column, width - 1)) * count;
      for (let n = 0; n < 3; n++) made[to++] = image[count === 1 ? from : from + n] / 255;
    }
  }
  return made;
}

// Takes a part out of a window's result; gray images get its luma.
function cut(result, columns, y, x, { height, width }, count) {
  const made = new Float32Array(height * width * count);
  for (let row = 0, to = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const from = ((y + row) * columns + x + column) * 3;
      if (count === 1) made[to++] = 0.299 * result[from] + 0.587 * result[from + 1] + 0.114 * result[from + 2];
      else for (let n = 0; n < 3; n++) made[to++] = result[from + n];
    }
  }
  return made;
}

// Returns what is known of a file before any work: size, quality, words for people, orientation.
async function opened(bytes, quality, decode) {
  if (!bytes.length) throw new RestoreError("is empty");
  if (!jpegFile.isJpeg(bytes)) {
    const { pixels, width, height, alpha } = await decode(bytes, checkSize);
    const facts = { width, height, quality: quality || null, kind: "", sampling: "", progressive: false, orientation: 1 };
    return { facts, image: pixels, count: 3, alpha, tables: quality ? ofQuality(quality) : null, cells: null, sampled: false };
  }
  let jpeg, space;
  try {
    jpegFile.read(bytes, { coefficients: false, check: checkSize });
    jpeg = jpegFile.read(bytes, { coefficients: false });
    space = jpegFile.colours(jpeg);
    if (jpeg.components.length < 4) jpeg = jpegFile.read(bytes);
  } catch (error) {
    if (error instanceof jpegFile.JpegError) throw new RestoreError(error.message);
    throw error;
  }
  const own = ofFile(jpeg), found = nearestQuality(own), orientation = orientationOf(bytes);
  const facts = {
    width: jpeg.width, height: jpeg.height, quality: found, asked: quality || null, kind: space,
    sampling: jpegFile.sampling(jpeg), progressive: jpeg.progressive, orientation,
  };
  const sampled = !["", "4:4:4"].includes(facts.sampling);
  let tables = quality ? ofQuality(quality) : own;
  if (!quality && (found >= GOOD || Math.min(jpeg.width, jpeg.height) < SMALLEST)) tables = null;
  if (jpeg.components.length === 4) {
    const { pixels } = await decode(bytes, checkSize);
    return { facts, image: pixels, count: 3, tables, cells: null, sampled };
  }
  const whole = jpeg.components.every(({ factors }) => factors.every(Number.isInteger));
  const held = tables && whole && space !== "RGB";
  const image = pixelsOf(jpeg, space);
  return { facts, image, count: jpeg.components.length, tables, cells: held ? new Cells(jpeg) : null, sampled };
}

// Returns {pixels, count, width, height, alpha, facts}; pixels are uint8 [H, W, count], not turned.
// network: {context, run(window, rows, columns, tables)}, loaded when it is needed.
// decode: pixels of other files, by the browser. quality: 0 for what the file says.
// cancelled: asked before each part; may return a promise.
export async function restore(bytes, { network, decode, strength = 1, quality = 0, progress = () => {}, cancelled = () => false }) {
  const { facts, image, count, alpha, tables, cells, sampled } = await opened(bytes, quality, decode);
  const { width, height } = facts, size = { width, height, count };
  const result = { pixels: image, count, width, height, alpha, facts };
  if (!tables) {
    facts.unchanged = true;
    return result;
  }
  const { context, run } = await network();
  const share = shares(tables, sampled, Boolean(cells));
  const made = new Uint8ClampedArray(image.length);
  const [down, across] = [height, width].map((side, n) => parts(side, context, cells ? cells.grid[n] : 8));
  let blocks = 0, doubted = 0, done = 0;
  for (const rows of down) {
    for (const columns of across) {
      if (await cancelled()) throw new Cancelled("stopped");
      progress(done++ / (down.length * across.length));
      const [h, w] = [rows.size, columns.size];
      const output = await run(seen(image, size, rows.window, columns.window, h, w), h, w, tables);
      const part = { top: rows.first, left: columns.first, height: rows.end - rows.first, width: columns.end - columns.first };
      const free = cut(output, w, rows.first - rows.window, columns.first - columns.window, part, count);
      if (cells) {
        const [all, close] = cells.hold(free, image, part.top, part.left, part.height, part.width);
        blocks += all;
        doubted += close;
      }
      finish(free, part, image, made, size, share, strength);
    }
  }
  progress(1);
  facts.held = Boolean(cells);
  facts.keptClose = blocks ? doubted / blocks : 0;
  return { ...result, pixels: made };
}
