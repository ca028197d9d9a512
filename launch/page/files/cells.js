// Holds restored pixels to the quantisation cells of their JPEG: the arithmetic of deblock's Python
// modules restoring/cells, trust, expectation and exact, which say why. Here one unit of the grid,
// the smallest area of whole blocks of all planes, is treated after the other.

import { mean } from "./tables.js";

const R = 0.299, G = 0.587, B = 0.114;
const OF_RED = 2 - 2 * R, OF_BLUE = 2 - 2 * B;
const TIMES = 6, NEARLY = 0.5, ROUNDS = 5, OVERSHOOT = 1.9, INSIDE = 0.5, INSIDE_CLIPPED = 1.5;
const GUIDE = 3, EXACT_STEP = 16;
const BORDERS = { luma: [0.13, 50, 1.8], whole: [0.07, 40, 1], sampled: [0.18, 30, 1.5] };
const PALE = 16, STRONG = 0.4, FINE_STEPS = 10, RAMP = 2, OF_RAMPS = 0.8, FULL = 31;
const S_AND_L = { luma: [0.36, 0.5], sampled: [0.25, 0.45], whole: [0.36, 0.8] };
const WAY = 0.5, FARTHEST = 2, ENTRIES = 256, TAIL = 3, NODES = 24;

const clamp = (value, low, high) => (value < low ? low : value > high ? high : value);

// Half the cosines of n sixteenths of a turn of pi: of orthonormal DCTs of 8 values.
const [, H1, H2, H3, H4, H5, H6, H7] = Array.from({ length: 8 }, (_, n) => Math.cos((n * Math.PI) / 16) / 2);

// Turns the 8 values from `at` in steps of `step` to frequencies: sums of mirrored samples give the
// even ones, differences the odd ones.
function toFrequencies(values, at, step) {
  const p1 = at + step, p2 = p1 + step, p3 = p2 + step, p4 = p3 + step, p5 = p4 + step, p6 = p5 + step, p7 = p6 + step;
  const s0 = values[at] + values[p7], s1 = values[p1] + values[p6], s2 = values[p2] + values[p5], s3 = values[p3] + values[p4];
  const d0 = values[at] - values[p7], d1 = values[p1] - values[p6], d2 = values[p2] - values[p5], d3 = values[p3] - values[p4];
  const outer = s0 + s3, inner = s1 + s2, a = s0 - s3, b = s1 - s2;
  values[at] = H4 * (outer + inner);
  values[p1] = H1 * d0 + H3 * d1 + H5 * d2 + H7 * d3;
  values[p2] = H2 * a + H6 * b;
  values[p3] = H3 * d0 - H7 * d1 - H1 * d2 - H5 * d3;
  values[p4] = H4 * (outer - inner);
  values[p5] = H5 * d0 - H1 * d1 + H7 * d2 + H3 * d3;
  values[p6] = H6 * a - H2 * b;
  values[p7] = H7 * d0 - H5 * d1 + H3 * d2 - H1 * d3;
}

// The way back: the transpose.
function toSamples(values, at, step) {
  const p1 = at + step, p2 = p1 + step, p3 = p2 + step, p4 = p3 + step, p5 = p4 + step, p6 = p5 + step, p7 = p6 + step;
  const f1 = values[p1], f3 = values[p3], f5 = values[p5], f7 = values[p7];
  const outer = H4 * (values[at] + values[p4]), inner = H4 * (values[at] - values[p4]);
  const a = H2 * values[p2] + H6 * values[p6], b = H6 * values[p2] - H2 * values[p6];
  const e0 = outer + a, e1 = inner + b, e2 = inner - b, e3 = outer - a;
  const o0 = H1 * f1 + H3 * f3 + H5 * f5 + H7 * f7, o1 = H3 * f1 - H7 * f3 - H1 * f5 - H5 * f7;
  const o2 = H5 * f1 - H1 * f3 + H7 * f5 + H3 * f7, o3 = H7 * f1 - H5 * f3 + H3 * f5 - H1 * f7;
  values[at] = e0 + o0;
  values[p1] = e1 + o1;
  values[p2] = e2 + o2;
  values[p3] = e3 + o3;
  values[p4] = e3 - o3;
  values[p5] = e2 - o2;
  values[p6] = e1 - o1;
  values[p7] = e0 - o0;
}

function forward(block) {
  for (let n = 0; n < 8; n++) toFrequencies(block, n, 8);
  for (let n = 0; n < 64; n += 8) toFrequencies(block, n, 1);
}

function inverse(block) {
  for (let n = 0; n < 8; n++) toSamples(block, n, 8);
  for (let n = 0; n < 64; n += 8) toSamples(block, n, 1);
}

// Nodes from -1/2 to 1/2 and weights of Gauss and Legendre in turn, by Newton's method.
function legendre(count) {
  return Float64Array.from(Array.from({ length: count }, (_, n) => {
    let x = Math.cos((Math.PI * (n + 0.75)) / (count + 0.5)), slope = 1;
    for (let round = 0; round < 20; round++) {
      let [one, two] = [1, 0];
      for (let k = 0; k < count; k++) [one, two] = [((2 * k + 1) * x * one - k * two) / (k + 1), one];
      slope = (count * (x * one - two)) / (x * x - 1);
      x -= one / slope;
    }
    return [0.5 * x, 2 / ((1 - x * x) * slope * slope)];
  }).flat());
}

const nodes = legendre(NODES);

function cutNormalMean(average, deviation) {
  const farthest = 0.5 + TAIL * deviation;
  const centre = Math.min(Math.max(average, -farthest), farthest);
  // Shifted by the greatest exponent, so that nothing underflows.
  const scale = 0.5 / (deviation * deviation), shift = scale * (clamp(centre, -0.5, 0.5) - centre) ** 2;
  let sum = 0, total = 0;
  for (let n = 0; n < nodes.length; n += 2) {
    const off = nodes[n] - centre, density = nodes[n + 1] * Math.exp(shift - scale * off * off);
    sum += density * nodes[n];
    total += density;
  }
  return sum / total;
}

// Where coefficients move to, of small and of large integers, each frequency and entry.
const tables = new Map(), MOST_TABLES = 16;

function expectation(steps, kind) {
  const key = `${kind} ${[...steps]}`;
  if (tables.has(key)) return tables.get(key);
  const made = new Float32Array(2 * 64 * (ENTRIES + 1));
  for (let large = 0, place = 0; large < 2; large++) {
    for (let k = 0; k < 64; k++) {
      const step = Math.trunc(steps[k]), frequencies = 1 + (k >> 3) + (k & 7);
      const sigma = k === 0 ? 1.3 * step ** -0.55
        : S_AND_L[kind][large] * step ** -0.3 * (large ? frequencies ** 0.2 : 1);
      for (let entry = 0; entry <= ENTRIES; entry++, place++) {
        const away = (FARTHEST * entry) / ENTRIES, nearest = Math.min(away, 0.5);
        made[place] = nearest + (k ? WAY : 1) * (cutNormalMean(away, Math.max(sigma, 0.02)) - nearest);
      }
    }
  }
  if (tables.size >= MOST_TABLES) tables.clear();
  tables.set(key, made);
  return made;
}

const greatestDivisor = (a, b) => (b ? greatestDivisor(b, a % b) : a);
const multiple = (values) => values.reduce((a, b) => (a * b) / greatestDivisor(a, b));

function plane(component, index, grid) {
  const { integers, stride, rows, columns, factors } = component;
  const [down, across] = factors, steps = Float32Array.from(component.steps);
  const kind = index === 0 ? "luma" : down === 1 && across === 1 ? "whole" : "sampled";
  const average = mean(steps), [greatest, step, power] = BORDERS[kind];
  // Blocks in a unit, samples in a unit, pixels in a block.
  const down8 = grid[0] / (8 * down), across8 = grid[1] / (8 * across);
  const flags = new Uint8Array(rows * columns); // How many coefficients a block has besides the first.
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const first = (row * stride + column) * 64;
      let count = 0;
      for (let k = 1; k < 64; k++) if (integers[first + k]) count++;
      flags[at] = count;
    }
  }
  return {
    integers, stride, rows, columns, down, across, steps, kind, flags, down8, across8,
    fine: average <= FINE_STEPS, border: greatest / (1 + (average / step) ** power),
    table: expectation(steps, kind),
    most: steps.map((q) => Math.max(0.5 - INSIDE / q, 0)),
    mostClipped: steps.map((q) => Math.max(0.5 - INSIDE_CLIPPED / q, 0)),
    width: 8 * across8, samples: new Float32Array(64 * down8 * across8),
    means: new Float32Array(64 * down8 * across8), weights: new Float32Array(down8 * across8),
  };
}

export class Cells {
  constructor(jpeg) {
    const { components } = jpeg;
    const grid = [0, 1].map((axis) => 8 * multiple(components.map(({ factors }) => factors[axis])));
    this.height = jpeg.height;
    this.width = jpeg.width;
    this.grid = grid;
    this.planes = components.map((component, index) => plane(component, index, grid));
    const [, ...chroma] = this.planes;
    const zero = ({ flags, integers, stride, rows, columns }) => flags.every((count) => !count)
      && range(rows).every((row) => range(columns).every((column) => !integers[(row * stride + column) * 64]));
    this.isColourless = chroma.length > 0 && chroma.every(zero);
    this.isOneColour = this.planes.every(({ flags, integers, stride, rows, columns }) =>
      flags.every((count) => !count)
      && range(rows).every((row) => range(columns).every((column) => integers[(row * stride + column) * 64] === integers[0])));
    // Elsewhere it is not known where luma is flat: gray, or what is rare.
    this.knowsStrong = chroma.length === 2 && this.planes[0].down === 1 && this.planes[0].across === 1
      && chroma[0].down === chroma[1].down && chroma[0].across === chroma[1].across;
    const size = grid[0] * grid[1];
    const images = () => components.map(() => new Float32Array(size));
    Object.assign(this, { free: images(), shown: images(), made: images(), before: images(), guide: new Float32Array(size) });
  }

  // Holds a part of an image in place; returns [blocks of luma, those kept close to the JPEG].
  // free: float32 [h, w, C] in about [0, 1]; image: uint8 [H, W, C], the whole decoded JPEG.
  hold(free, image, top, left, height, width) {
    const [unitHeight, unitWidth] = this.grid;
    let blocks = 0, doubted = 0;
    for (let y = 0; y < height; y += unitHeight) {
      for (let x = 0; x < width; x += unitWidth) {
        this.#levels(free, image, top, left, height, width, y, x);
        this.#unit(top + y, left + x, Math.min(unitHeight, height - y));
        this.#write(free, height, width, y, x);
        const { weights, across8, down, across } = this.planes[0];
        for (let r = 0; r * 8 * down < Math.min(unitHeight, height - y); r++) {
          for (let c = 0; c * 8 * across < Math.min(unitWidth, width - x); c++) {
            blocks++;
            if (weights[r * across8 + c] < 0.5) doubted++;
          }
        }
      }
    }
    return [blocks, doubted];
  }

  // Takes a unit's levels; beyond the image its edges are repeated.
  #levels(free, image, top, left, height, width, y, x) {
    const [unitHeight, unitWidth] = this.grid, count = this.planes.length;
    for (let row = 0, place = 0; row < unitHeight; row++) {
      const r = Math.min(y + row, height - 1);
      for (let column = 0; column < unitWidth; column++, place++) {
        const c = Math.min(x + column, width - 1);
        const from = (r * width + c) * count, old = ((top + r) * this.width + left + c) * count;
        for (let n = 0; n < count; n++) {
          this.free[n][place] = clamp(free[from + n] * 255, 0, 255);
          this.shown[n][place] = image[old + n];
        }
      }
    }
  }

  #write(free, height, width, y, x) {
    const [unitHeight, unitWidth] = this.grid, count = this.planes.length;
    for (let row = 0; row < unitHeight && y + row < height; row++) {
      for (let column = 0; column < unitWidth && x + column < width; column++) {
        const to = ((y + row) * width + x + column) * count;
        for (let n = 0; n < count; n++) free[to + n] = this.free[n][row * unitWidth + column] / 255;
      }
    }
  }

  // The rounds of one unit; `lines` are its rows of pixels inside the image.
  #unit(top, left, lines) {
    const { planes, made, before, guide } = this;
    fromRgb(this.free, made);
    fromRgb(this.shown, before);
    planes.forEach((own, index) => this.#move(own, index, top, left, lines, made[index], before[index], guide));
    toRgb(made, this.free);
    if (outOfRange(this.free, 0)) {
      for (let time = 0; time < TIMES; time++) {
        this.#project(top, left);
        if (!outOfRange(this.free, NEARLY)) break;
      }
    }
    this.#keepExact(top, left);
  }

  #first(own, top, left, row, column) {
    const r = Math.min(top / (8 * own.down) + row, own.rows - 1);
    const c = Math.min(left / (8 * own.across) + column, own.columns - 1);
    return [(r * own.stride + c) * 64, r * own.columns + c];
  }

  #isStrong(top, left, own, row, column) {
    if (!this.knowsStrong) return false;
    const [luma, ...chroma] = this.planes;
    for (let y = 0; y < own.down; y++) {
      for (let x = 0; x < own.across; x++) {
        const [, at] = this.#first(luma, top, left, row * own.down + y, column * own.across + x);
        if (luma.flags[at]) return false;
      }
    }
    const means = chroma.map((one) => one.integers[this.#first(one, top, left, row, column)[0]] * one.steps[0] / 8);
    return Math.hypot(...means) >= PALE;
  }

  // Moves one plane's samples, first by trust, then to the expectation.
  #move(own, index, top, left, lines, samples, old, guide) {
    const { down, across, down8, across8, steps, weights } = own, unitWidth = this.grid[1];
    const rows = Math.ceil(lines / down), sampled = down > 1 || across > 1;
    downsample(samples, own, unitWidth, rows, own.samples);
    downsample(old, own, unitWidth, rows, own.means);
    for (let row = 0; row < down8; row++) {
      for (let column = 0; column < across8; column++) {
        const [first, at] = this.#first(own, top, left, row, column), count = own.flags[at];
        away(own, own.samples, row, column, first, AWAY);
        away(own, own.means, row, column, first, BEFORE);
        let outside = 0;
        for (let k = 0; k < 64; k++) outside += Math.max(Math.abs(AWAY[k]) - 0.5, 0);
        outside /= 64;
        let border = own.border, most = 1;
        if (own.kind === "luma" && own.fine) border *= Math.min((1 + count) / (1 + FULL), 1);
        if (own.kind !== "sampled" && own.fine && count <= RAMP) most -= OF_RAMPS;
        if (index && !count && this.#isStrong(top, left, own, row, column)) most *= 1 - STRONG;
        if (index && this.isColourless) most = 0;
        const weight = clamp(1.5 - outside / border, 0, 1) * most;
        weights[row * across8 + column] = weight;
        if (index === 0) {
          const trusted = clamp(1.5 - outside / (GUIDE * border), 0, 1);
          fillBlock(guide, unitWidth, own, row, column, trusted);
        }
        for (let k = 0; k < 64; k++) {
          const place = (AWAY[k] - BEFORE[k]) * weight + BEFORE[k];
          const large = Math.abs(own.integers[first + k]) > 1 ? 64 : 0;
          const scaled = Math.min(Math.abs(place) * (ENTRIES / FARTHEST), ENTRIES - 1e-3), entry = Math.floor(scaled);
          const from = (large + k) * (ENTRIES + 1) + entry;
          const value = own.table[from] + (scaled - entry) * (own.table[from + 1] - own.table[from]);
          const moved = Math.min(value, own.most[k]);
          CHANGE[k] = ((place < 0 ? -moved : moved) - place) * steps[k];
        }
        inverse(CHANGE);
        // Of what is finer than a sample, as much as luma is trusted.
        for (let y = 0; y < 8; y++) {
          for (let x = 0; x < 8; x++) {
            const sample = (row * 8 + y) * own.width + column * 8 + x;
            const shift = CHANGE[8 * y + x];
            const average = own.samples[sample] - own.means[sample];
            for (let v = 0; v < down; v++) {
              for (let u = 0; u < across; u++) {
                const pixel = ((row * 8 + y) * down + v) * unitWidth + (column * 8 + x) * across + u;
                let change = samples[pixel] - old[pixel];
                if (sampled) change = (change - average) * guide[pixel] + average;
                samples[pixel] = change * weight + old[pixel] + shift;
              }
            }
          }
        }
      }
    }
  }

  // Clips and projects by turns.
  #project(top, left) {
    const { planes, made, free } = this, unitWidth = this.grid[1];
    for (let round = 0; round < ROUNDS; round++) {
      for (const channel of free) for (let n = 0; n < channel.length; n++) channel[n] = clamp(channel[n], 0, 255);
      fromRgb(free, made);
      planes.forEach((own, index) => {
        const { down, across, down8, across8, steps, mostClipped } = own, samples = made[index];
        downsample(samples, own, unitWidth, 8 * down8, own.samples);
        for (let row = 0; row < down8; row++) {
          for (let column = 0; column < across8; column++) {
            const [first] = this.#first(own, top, left, row, column);
            away(own, own.samples, row, column, first, AWAY);
            let inside = true;
            for (let k = 0; k < 64; k++) {
              const beyond = clamp(AWAY[k], -mostClipped[k], mostClipped[k]) - AWAY[k];
              CHANGE[k] = beyond * steps[k] * (round < ROUNDS - 1 ? OVERSHOOT : 1);
              inside &&= beyond === 0;
            }
            if (inside) continue;
            inverse(CHANGE);
            for (let y = 0, place = 0; y < 8; y++) {
              for (let x = 0; x < 8; x++, place++) {
                const change = CHANGE[place];
                for (let v = 0; v < down; v++) {
                  const from = ((row * 8 + y) * down + v) * unitWidth + (column * 8 + x) * across;
                  for (let u = 0; u < across; u++) samples[from + u] += change;
                }
              }
            }
          }
        }
      });
      toRgb(made, free);
    }
  }

  // Gives back blocks that the JPEG shows as they were, to all appearance.
  #keepExact(top, left) {
    const { planes, free, shown } = this, [unitHeight, unitWidth] = this.grid;
    for (let y = 0; y < unitHeight; y += 8) {
      for (let x = 0; x < unitWidth; x += 8) {
        if (!isFlat(planes[0], top + y, left + x)) continue;
        const level = shown[0][y * unitWidth + x];
        let kept = level === 0 || level === 255;
        for (let r = y; kept && r < y + 8; r++) {
          for (let c = x; kept && c < x + 8; c++) kept = shown.every((channel) => channel[r * unitWidth + c] === level);
        }
        kept ||= planes.every((own) => (own.steps[0] <= EXACT_STEP || this.isOneColour) && isEven(own, top + y, left + x));
        if (!kept) continue;
        for (let r = y; r < y + 8; r++) {
          const from = r * unitWidth + x;
          free.forEach((channel, n) => channel.set(shown[n].subarray(from, from + 8), from));
        }
      }
    }
  }
}

const AWAY = new Float64Array(64), BEFORE = new Float64Array(64), CHANGE = new Float64Array(64);

function range(count) {
  return Array.from({ length: count }, (_, n) => n);
}

function fromRgb(levels, made) {
  if (levels.length === 1) {
    made[0].set(levels[0]);
    return;
  }
  const [red, green, blue] = levels;
  for (let n = 0; n < red.length; n++) {
    const luma = R * red[n] + G * green[n] + B * blue[n];
    made[0][n] = luma;
    made[1][n] = (blue[n] - luma) / OF_BLUE + 128;
    made[2][n] = (red[n] - luma) / OF_RED + 128;
  }
}

function toRgb(made, levels) {
  if (levels.length === 1) {
    levels[0].set(made[0]);
    return;
  }
  const [luma, cb, cr] = made;
  for (let n = 0; n < luma.length; n++) {
    const blue = (cb[n] - 128) * OF_BLUE, red = (cr[n] - 128) * OF_RED;
    levels[0][n] = luma[n] + red;
    levels[1][n] = luma[n] - (red * R) / G - (blue * B) / G;
    levels[2][n] = luma[n] + blue;
  }
}

function outOfRange(levels, tolerance) {
  for (const channel of levels) {
    for (let n = 0; n < channel.length; n++) {
      if (channel[n] < -tolerance || channel[n] > 255 + tolerance) return true;
    }
  }
  return false;
}

// The mean of each sample's pixels; the last of `rows` is repeated below.
function downsample(pixels, { down, across, down8, width }, unitWidth, rows, made) {
  const height = 8 * down8;
  for (let row = 0, place = 0; row < height; row++) {
    if (row >= rows) {
      made.copyWithin(row * width, (rows - 1) * width, rows * width);
      place += width;
      continue;
    }
    for (let column = 0; column < width; column++, place++) {
      let sum = 0;
      for (let y = row * down; y < (row + 1) * down; y++) {
        for (let x = column * across; x < (column + 1) * across; x++) sum += pixels[y * unitWidth + x];
      }
      made[place] = sum / (down * across);
    }
  }
}

// How far a block's coefficients are from the middles of their cells, in steps.
function away({ steps, integers, width }, samples, row, column, first, made) {
  for (let y = 0; y < 8; y++) {
    const from = (row * 8 + y) * width + column * 8;
    for (let x = 0; x < 8; x++) made[8 * y + x] = samples[from + x];
  }
  forward(made);
  made[0] -= 1024;
  for (let k = 0; k < 64; k++) made[k] = made[k] / steps[k] - integers[first + k];
}

function fillBlock(pixels, unitWidth, { down, across }, row, column, value) {
  for (let y = row * 8 * down; y < (row + 1) * 8 * down; y++) {
    const from = y * unitWidth + column * 8 * across;
    pixels.fill(value, from, from + 8 * across);
  }
}

function isFlat({ flags, rows, columns, down, across }, y, x) {
  const row = Math.min(Math.floor(y / (8 * down)), rows - 1);
  return !flags[row * columns + Math.min(Math.floor(x / (8 * across)), columns - 1)];
}

// Whether a plane is flat and alike around a block of 8x8 pixels.
function isEven({ flags, integers, stride, rows, columns, down, across }, y, x) {
  const row = Math.floor(y / (8 * down)), column = Math.floor(x / (8 * across));
  const own = integers[(Math.min(row, rows - 1) * stride + Math.min(column, columns - 1)) * 64];
  for (let r = row - 1; r <= row + 1; r++) {
    for (let c = column - 1; c <= column + 1; c++) {
      const at = [clamp(r, 0, rows - 1), clamp(c, 0, columns - 1)];
      if (flags[at[0] * columns + at[1]] || integers[(at[0] * stride + at[1]) * 64] !== own) return false;
    }
  }
  return true;
}
