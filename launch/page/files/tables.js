// Quantisation tables of the IJG, and the quality whose tables are nearest (ITU-T T.81, annex K).

const LUMA = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14,
  17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49,
  64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const CHROMA = new Array(64).fill(99);
[17, 18, 24, 47].forEach((step, n) => { CHROMA[n] = step; });
[18, 21, 26, 66].forEach((step, n) => { CHROMA[8 + n] = step; });
[24, 26, 56].forEach((step, n) => { CHROMA[16 + n] = step; });
[47, 66].forEach((step, n) => { CHROMA[24 + n] = step; });

// Returns the steps of luma and chroma at a quality, 1 to 100, two arrays of 64.
export function ofQuality(quality) {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const scaled = (step) => Math.min(Math.max(Math.floor((step * scale + 50) / 100), 1), 255);
  return [LUMA.map(scaled), CHROMA.map(scaled)];
}

// Returns the quality with the least mean of |log(step) - log(IJG step)|; of equals, the highest.
export function nearestQuality(tables) {
  let best = 0, least = Infinity;
  for (let quality = 100; quality > 0; quality--) {
    const known = ofQuality(quality);
    let sum = 0;
    tables.forEach((table, n) => table.forEach((step, k) => {
      sum += Math.abs(Math.log(known[n][k]) - Math.log(step));
    }));
    if (sum < least - 1e-9) [best, least] = [quality, sum];
  }
  return best;
}

// Returns the steps of luma and chroma that a network sees of a file.
export function ofFile({ components }) {
  const tables = components.slice(0, 2).map(({ steps }) => [...steps].map((step) => Math.min(step, 255)));
  return tables.length === 2 ? tables : [tables[0], ofQuality(nearestQuality(tables))[1]];
}

// The geometric mean of steps.
export function mean(steps) {
  return Math.exp([...steps].reduce((sum, step) => sum + Math.log(step), 0) / steps.length);
}
