// Files of results: PNG by our own writer, so that no sample changes; WebP and JPEG by the browser.

import { ascii, intoJpeg, intoWebp, join } from "./metadata.js";

const JPEG_QUALITY = 0.95;
export const TYPES = { png: "image/png", webp: "image/webp", jpg: "image/jpeg" };

// Returns an image as a viewer shows it: EXIF orientation, 1 to 8, applied.
function turned({ pixels, alpha, count, width, height, facts }) {
  const { orientation } = facts;
  if (orientation === 1) return { pixels, alpha, count, width, height };
  const swapped = orientation > 4;
  const [w, h] = swapped ? [height, width] : [width, height];
  const made = new Uint8ClampedArray(pixels.length);
  const mirrored = [2, 3, 7, 8].includes(orientation), upside = [3, 4, 6, 7].includes(orientation);
  for (let y = 0, to = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      let [row, column] = swapped ? [x, y] : [y, x];
      if (upside) row = height - 1 - row;
      if (mirrored) column = width - 1 - column;
      const from = (row * width + column) * count;
      for (let n = 0; n < count; n++) made[to++] = pixels[from + n];
    }
  }
  return { pixels: made, alpha: null, count, width: w, height: h };
}

// Returns {blob, notes}; a JPEG that needs no change is copied.
export async function encode(found, metadata, format, bytes) {
  const notes = [];
  if (format === "jpg" && found.facts.unchanged && found.facts.kind) return { blob: new Blob([bytes], { type: TYPES.jpg }), notes };
  const image = turned(found);
  if (metadata.lostProfile) notes.push("colour profile left out, as it is for other colours");
  if (format === "png") {
    if (metadata.others.length) notes.push("IPTC and comments left out");
    return { blob: await png(image, metadata), notes };
  }
  const made = await byBrowser(image, TYPES[format]);
  if (made.type !== TYPES[format]) throw new Error(`this browser writes no ${format === "webp" ? "WebP" : "JPEG"}, choose PNG`);
  const data = new Uint8Array(await made.arrayBuffer());
  if (format === "jpg") {
    if (image.alpha) notes.push("transparency laid on white");
    return { blob: new Blob([intoJpeg(data, metadata)], { type: TYPES.jpg }), notes };
  }
  if (metadata.others.length) notes.push("IPTC and comments left out");
  return { blob: new Blob([intoWebp(data, image.width, image.height, Boolean(image.alpha), metadata)], { type: TYPES.webp }), notes };
}

function byBrowser({ pixels, alpha, count, width, height }, type) {
  const data = new ImageData(width, height), white = type === TYPES.jpg;
  for (let n = 0, to = 0; n < width * height; n++, to += 4) {
    const opacity = alpha ? alpha[n] : 255;
    for (let c = 0; c < 3; c++) {
      const value = pixels[n * count + (count === 1 ? 0 : c)];
      data.data[to + c] = white ? 255 - ((255 - value) * opacity) / 255 : value;
    }
    data.data[to + 3] = white ? 255 : opacity;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(data, 0, 0);
  return canvas.convertToBlob({ type, quality: type === TYPES.jpg ? JPEG_QUALITY : 1 });
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

// The checksum of PNG and of zip.
export function crc32(bytes, start = 0) {
  let sum = ~start;
  for (let n = 0; n < bytes.length; n++) sum = CRC[(sum ^ bytes[n]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name, content) {
  const made = new Uint8Array(12 + content.length), view = new DataView(made.buffer);
  view.setUint32(0, content.length);
  made.set(ascii(name), 4);
  made.set(content, 8);
  view.setUint32(8 + content.length, crc32(made.subarray(4, 8 + content.length)));
  return made;
}

// Returns a PNG (ISO/IEC 15948). Each row is the difference to the one above or to the left, the
// smaller of both in sum.
async function png({ pixels, alpha, count, width, height }, { exif, icc, xmp }) {
  const bands = count + (alpha ? 1 : 0), length = width * bands;
  const rows = new Uint8Array(height * (length + 1));
  const row = new Uint8Array(length), above = new Uint8Array(length);
  const tries = [1, 2, 4].map((filter) => [filter, new Uint8Array(length)]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < count; c++) row[x * bands + c] = pixels[(y * width + x) * count + c];
      if (alpha) row[x * bands + count] = alpha[y * width + x];
    }
    let best = null, least = Infinity;
    for (const [filter, out] of tries) {
      let sum = 0;
      for (let n = 0; n < length; n++) {
        const left = n < bands ? 0 : row[n - bands], up = above[n], corner = n < bands ? 0 : above[n - bands];
        const value = (row[n] - (filter === 1 ? left : filter === 2 ? up : paeth(left, up, corner))) & 255;
        out[n] = value;
        sum += value < 128 ? value : 256 - value;
      }
      if (sum < least) [best, least] = [[filter, out], sum];
    }
    rows[y * (length + 1)] = best[0];
    rows.set(best[1], y * (length + 1) + 1);
    above.set(row);
  }
  const header = new Uint8Array(13), view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = (count === 1 ? 0 : 2) | (alpha ? 4 : 0);
  const parts = [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), chunk("IHDR", header)];
  if (icc) parts.push(chunk("iCCP", join([ascii("profile\0\0"), await deflated(icc)])));
  if (exif) parts.push(chunk("eXIf", exif));
  if (xmp) parts.push(chunk("iTXt", join([ascii("XML:com.adobe.xmp\0\0\0\0\0"), xmp])));
  parts.push(chunk("IDAT", await deflated(rows)), chunk("IEND", new Uint8Array()));
  return new Blob(parts, { type: TYPES.png });
}

function paeth(left, up, corner) {
  const a = Math.abs(up - corner), b = Math.abs(left - corner), c = Math.abs(left + up - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
