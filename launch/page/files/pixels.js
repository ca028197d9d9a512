// The pixels of a JPEG from its coefficients, to the bit those of libjpeg-turbo: its accurate integer
// DCT (Loeffler, Ligtenberg and Moschytz), smooth upsampling of chroma, and tables of colours. So
// they do not depend on a browser, which may convert colours.

const [C298, C390, C541, C765, C899, C1175, C1501, C1847, C1961, C2053, C2562, C3072] = [
  2446, 3196, 4433, 6270, 7373, 9633, 12299, 15137, 16069, 16819, 20995, 25172,
];

// One pass over 8 values, from `at` in steps of `step`, in place; `shift` rounds the results.
function pass(values, at, step, shift) {
  const s0 = values[at], s1 = values[at + step], s2 = values[at + 2 * step], s3 = values[at + 3 * step];
  const s4 = values[at + 4 * step], s5 = values[at + 5 * step], s6 = values[at + 6 * step], s7 = values[at + 7 * step];
  const half = 1 << (shift - 1);
  const z1 = (s2 + s6) * C541;
  const even2 = z1 - s6 * C1847, even3 = z1 + s2 * C765;
  const even0 = (s0 + s4) * 8192 + half, even1 = (s0 - s4) * 8192 + half;
  const e0 = even0 + even3, e3 = even0 - even3, e1 = even1 + even2, e2 = even1 - even2;
  const z5 = (s7 + s3 + s5 + s1) * C1175;
  const a = -(s7 + s1) * C899, b = -(s5 + s3) * C2562;
  const c = z5 - (s7 + s3) * C1961, d = z5 - (s5 + s1) * C390;
  const o0 = s7 * C298 + a + c, o1 = s5 * C2053 + b + d, o2 = s3 * C3072 + b + c, o3 = s1 * C1501 + a + d;
  values[at] = (e0 + o3) >> shift;
  values[at + 7 * step] = (e0 - o3) >> shift;
  values[at + step] = (e1 + o2) >> shift;
  values[at + 6 * step] = (e1 - o2) >> shift;
  values[at + 2 * step] = (e2 + o1) >> shift;
  values[at + 5 * step] = (e2 - o1) >> shift;
  values[at + 3 * step] = (e3 + o0) >> shift;
  values[at + 4 * step] = (e3 - o0) >> shift;
}

// Returns the samples of a component, as wide as its blocks.
function samples({ integers, steps, columns, rows, stride }) {
  const width = 8 * columns, made = new Uint8ClampedArray(width * 8 * rows);
  const block = new Int32Array(64);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const first = (row * stride + column) * 64, place = row * 8 * width + column * 8;
      let flat = true;
      for (let k = 0; k < 64; k++) {
        const value = integers[first + k];
        block[k] = value && ((value * steps[k]) << 16) >> 16;
        if (k && value) flat = false;
      }
      if (flat) {
        const level = ((block[0] * 4 + 16) >> 5) + 128;
        for (let y = 0; y < 8; y++) made.fill(level, place + y * width, place + y * width + 8);
        continue;
      }
      for (let x = 0; x < 8; x++) pass(block, x, 8, 11);
      for (let y = 0; y < 8; y++) {
        pass(block, 8 * y, 1, 18);
        for (let x = 0; x < 8; x++) made[place + y * width + x] = block[8 * y + x] + 128;
      }
    }
  }
  return made;
}

// A row at twice the width, by three quarters of the nearer sample and a quarter of the other. The
// sums are `unit` times a sample; both biases alternate.
function smoothRow(sums, width, out, unit, bias) {
  const shift = unit === 1 ? 2 : 4, [even, odd, first, last] = bias;
  out[0] = (sums[0] * 4 + first) >> shift;
  for (let x = 0; x < width - 1; x++) {
    out[2 * x + 1] = (sums[x] * 3 + sums[x + 1] + odd) >> shift;
    out[2 * x + 2] = (sums[x + 1] * 3 + sums[x] + even) >> shift;
  }
  out[2 * width - 1] = (sums[width - 1] * 4 + last) >> shift;
}

// Returns the function (row, out) that gives a row of a component in pixels.
function rowsOf(component, made) {
  const { width, height, columns, factors: [down, across] } = component, stride = 8 * columns;
  const smooth = width > 2;
  const at = (row) => Math.min(Math.max(row, 0), height - 1) * stride;
  const sums = new Int32Array(width);
  if (down === 1 && across === 1) {
    return (row, out) => out.set(made.subarray(at(row), at(row) + width));
  }
  if (down === 1 && across === 2 && smooth) {
    return (row, out) => smoothRow(made.subarray(at(row), at(row) + width), width, out, 1, [1, 2, 0, 0]);
  }
  if (down === 2 && across <= 2 && (smooth || across === 1)) {
    return (row, out) => {
      const near = at(row >> 1), far = at((row >> 1) + (row & 1 ? 1 : -1));
      for (let x = 0; x < width; x++) sums[x] = made[near + x] * 3 + made[far + x];
      if (across === 2) smoothRow(sums, width, out, 3, [8, 7, 8, 7]);
      else for (let x = 0; x < width; x++) out[x] = (sums[x] + (row & 1 ? 2 : 1)) >> 2;
    };
  }
  return (row, out) => {
    const first = at(Math.floor(row / down));
    for (let x = 0; x < out.length; x++) out[x] = made[first + Math.floor(x / across)];
  };
}

// Returns uint8 [H, W, 3] RGB, or [H, W] of a gray file.
export function pixels(jpeg, space) {
  const { width, height, components } = jpeg;
  const every = components.map((component) => rowsOf(component, samples(component)));
  const rows = components.map(() => new Uint8Array(2 * Math.ceil(width / 2) + 8));
  const count = components.length;
  const made = new Uint8ClampedArray(width * height * count);
  for (let row = 0, place = 0; row < height; row++) {
    every.forEach((write, index) => write(row, rows[index]));
    if (count === 1) {
      made.set(rows[0].subarray(0, width), row * width);
      continue;
    }
    const [one, two, three] = rows;
    for (let x = 0; x < width; x++, place += 3) {
      const luma = one[x], cb = two[x] - 128, cr = three[x] - 128;
      if (space === "RGB") {
        made[place] = luma;
        made[place + 1] = two[x];
        made[place + 2] = three[x];
      } else {
        made[place] = luma + ((91881 * cr + 32768) >> 16);
        made[place + 1] = luma + ((-22554 * cb - 46802 * cr + 32768) >> 16);
        made[place + 2] = luma + ((116130 * cb + 32768) >> 16);
      }
    }
  }
  return made;
}
