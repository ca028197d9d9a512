// Pixels of files that are decoded by the browser: PNG, WebP and others, and JPEGs with four inks.

import { RestoreError } from "./restore.js";

// Returns {pixels, width, height, alpha}: uint8 [H, W, 3], and [H, W] or null. colours: "default"
// for sRGB by the file's profile, "none" for its numbers.
export async function decode(bytes, check, colours = "default") {
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes]), { premultiplyAlpha: "none", colorSpaceConversion: colours });
  } catch {
    throw new RestoreError(reason(bytes));
  }
  try {
    check(bitmap);
    const { width, height } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const pixels = new Uint8ClampedArray(width * height * 3), alpha = new Uint8Array(width * height);
    let opaque = true;
    for (let n = 0, from = 0, to = 0; n < alpha.length; n++, from += 4, to += 3) {
      pixels[to] = data[from];
      pixels[to + 1] = data[from + 1];
      pixels[to + 2] = data[from + 2];
      alpha[n] = data[from + 3];
      opaque &&= data[from + 3] === 255;
    }
    return { pixels, width, height, alpha: opaque ? null : alpha };
  } finally {
    bitmap.close();
  }
}

function reason(bytes) {
  const kind = String.fromCharCode(...bytes.subarray(4, 12));
  if (/^ftyp(heic|heix|heim|heis|hevc|mif1)/.test(kind)) return "is a HEIC file, which this browser cannot read: convert it first";
  return "cannot be read as an image: this browser knows no such format, or the file is damaged";
}
