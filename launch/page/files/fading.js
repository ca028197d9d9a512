// How much of a correction is applied where steps are small: deblock's Python module fading.

import { mean } from "./tables.js";

const HELD = [[0.7, 2.7, 5], [0.75, 8, 23.6]], FREED = [[0, 2, 11], [0, 8, 39.5]];

// Returns the shares of luma and of chroma.
export function shares(tables, isSampled, isHeld) {
  const [luma, chroma] = (isHeld ? HELD : FREED).map(([least, fine, coarse], n) => {
    const place = Math.log(mean(tables[n]) / fine) / Math.log(coarse / fine);
    return least + (1 - least) * Math.min(Math.max(place, 0), 1);
  });
  return [luma, isSampled ? 1 : chroma];
}

// Writes what is between a part and its JPEG to an image, at the shares and the strength.
export function finish(restored, part, image, made, size, [luma, chroma], strength) {
  const { top, left, height, width } = part, { count } = size;
  for (let row = 0, from = 0; row < height; row++) {
    let at = ((top + row) * size.width + left) * count;
    for (let column = 0; column < width; column++, from += count, at += count) {
      if (count === 1) {
        const change = 255 * restored[from] - image[at];
        made[at] = image[at] + strength * luma * change;
        continue;
      }
      const red = 255 * restored[from] - image[at], green = 255 * restored[from + 1] - image[at + 1];
      const blue = 255 * restored[from + 2] - image[at + 2];
      const both = (luma - chroma) * (0.299 * red + 0.587 * green + 0.114 * blue);
      // The array clamps, and rounds half to even.
      made[at] = image[at] + strength * (chroma * red + both);
      made[at + 1] = image[at + 1] + strength * (chroma * green + both);
      made[at + 2] = image[at + 2] + strength * (chroma * blue + both);
    }
  }
}
