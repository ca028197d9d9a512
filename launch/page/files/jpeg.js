// What a JPEG file holds: its header, and the quantised coefficients of its blocks (ITU-T T.81).

export class JpegError extends Error {}

export const ZIGZAG = Uint8Array.of(
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
  13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52,
  45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63
);
const MOST_SCANS = 100;
const LOOK = 9; // Bits of a code that are looked up at once.
const UNSUPPORTED = {
  0xc3: "is a lossless JPEG", 0xc5: "is a hierarchical JPEG", 0xc6: "is a hierarchical JPEG",
  0xc7: "is a hierarchical JPEG", 0xc9: "is a JPEG with arithmetic coding",
  0xca: "is a JPEG with arithmetic coding", 0xcb: "is a lossless JPEG",
  0xcd: "is a hierarchical JPEG", 0xce: "is a hierarchical JPEG", 0xcf: "is a hierarchical JPEG",
};

export const isJpeg = (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

// The next marker from a place on; 0 and restart markers after 0xFF are entropy-coded data.
function nextMarker(bytes, place) {
  for (; place + 1 < bytes.length; place++) {
    const code = bytes[place + 1];
    if (bytes[place] === 0xff && code && code !== 0xff && (code < 0xd0 || code > 0xd7)) return place;
  }
  return -1;
}

// Yields [marker, place of 0xFF, first byte of content, end] up to the end of the image.
export function* segments(bytes) {
  for (let place = nextMarker(bytes, 2); place >= 0; ) {
    const marker = bytes[place + 1];
    if (marker === 0xd9) return;
    const length = marker === 0xd8 ? 0 : (bytes[place + 2] << 8) | bytes[place + 3];
    yield [marker, place, place + 4, Math.min(place + 2 + length, bytes.length)];
    place = nextMarker(bytes, place + 2 + length);
  }
}

function text(bytes, start, length) {
  return String.fromCharCode(...bytes.subarray(start, start + length));
}

function component(bytes, place) {
  return {
    name: bytes[place], across: bytes[place + 1] >> 4, down: bytes[place + 1] & 15,
    table: bytes[place + 2], steps: null,
  };
}

function frame(bytes, start, end, marker) {
  if (bytes[start] !== 8) {
    throw new JpegError(`is a JPEG of ${bytes[start]} bits a sample; only 8 are supported`);
  }
  const made = {
    height: (bytes[start + 1] << 8) | bytes[start + 2],
    width: (bytes[start + 3] << 8) | bytes[start + 4],
    progressive: marker === 0xc2, components: [], scans: 0, jfif: false, adobe: -1,
  };
  if (!made.height) {
    throw new JpegError("is a JPEG whose height stands behind the image (DNL), which is not supported");
  }
  for (let n = 0; n < bytes[start + 5] && start + 8 + 3 * n < end; n++) {
    made.components.push(component(bytes, start + 6 + 3 * n));
  }
  const { components } = made;
  const bad = components.some((c) => !(c.across > 0 && c.across < 5 && c.down > 0 && c.down < 5));
  if (!made.width || ![1, 3, 4].includes(components.length) || bad) {
    throw new JpegError("is damaged: its frame header makes no sense");
  }
  made.mostAcross = Math.max(...components.map((c) => c.across));
  made.mostDown = Math.max(...components.map((c) => c.down));
  made.columns = Math.ceil(made.width / (8 * made.mostAcross));
  made.rows = Math.ceil(made.height / (8 * made.mostDown));
  let blocks = 0;
  for (const c of components) {
    // Samples, blocks that hold them, and blocks of whole units.
    c.width = Math.ceil((made.width * c.across) / made.mostAcross);
    c.height = Math.ceil((made.height * c.down) / made.mostDown);
    c.columns = Math.ceil(c.width / 8);
    c.rows = Math.ceil(c.height / 8);
    c.stride = made.columns * c.across;
    // Pixels to a sample, down and across.
    c.factors = [made.mostDown / c.down, made.mostAcross / c.across];
    blocks += c.columns * c.rows;
  }
  if (blocks > 8 * bytes.length) {
    throw new JpegError(`is damaged: ${bytes.length} bytes cannot hold its ${blocks} blocks`);
  }
  return made;
}

function quantTables(bytes, start, end, tables) {
  while (start < end) {
    const deep = bytes[start] >> 4;
    const made = new Int32Array(64);
    const number = bytes[start++] & 15;
    if (start + (deep ? 128 : 64) > end) throw new JpegError("is damaged: a quantisation table is cut");
    for (let k = 0; k < 64; k++, start += deep ? 2 : 1) {
      made[ZIGZAG[k]] = deep ? (bytes[start] << 8) | bytes[start + 1] : bytes[start];
    }
    tables[number] = made;
  }
}

function huffmanTables(bytes, start, end, tables) {
  while (start + 17 <= end) {
    const counts = bytes.subarray(start + 1, start + 17);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const symbols = bytes.subarray(start + 17, start + 17 + total);
    // Of each length the largest code, and what turns a code into a symbol's index.
    const made = { symbols, most: new Int32Array(18).fill(-1), offset: new Int32Array(17), quick: new Uint16Array(1 << LOOK) };
    for (let length = 1, code = 0, index = 0; length <= 16; length++, code <<= 1) {
      made.offset[length] = index - code;
      if (!counts[length - 1]) continue;
      for (let n = 0; n < counts[length - 1]; n++, code++, index++) {
        if (length > LOOK) continue;
        const first = code << (LOOK - length);
        made.quick.fill((length << 8) | symbols[index], first, first + (1 << (LOOK - length)));
      }
      made.most[length] = code - 1;
    }
    tables[bytes[start]] = made;
    start += 17 + total;
  }
}

// Decodes one scan into the components' integers; returns where it stopped reading.
function decodeScan(bytes, place, found, parts, low, high, above, below, huffman, interval) {
  let bits = 0, count = 0, beyond = 0, run = 0;
  const refine = above > 0;
  const one = 1 << below, minus = -1 << below;

  function fill() {
    while (count <= 24) {
      let byte = 0;
      if (place < bytes.length && (bytes[place] !== 0xff || bytes[place + 1] === 0)) {
        byte = bytes[place];
        place += byte === 0xff ? 2 : 1;
      } else beyond += 8;
      bits = (bits << 8) | byte;
      count += 8;
    }
  }
  function take(length) {
    if (!length) return 0;
    if (count < length) fill();
    count -= length;
    if (count < beyond) throw new JpegError("is truncated or damaged");
    return (bits >>> count) & ((1 << length) - 1);
  }
  function decode(table) {
    if (count < 16) fill();
    const known = table.quick[(bits >>> (count - LOOK)) & ((1 << LOOK) - 1)];
    if (known) {
      count -= known >> 8;
      if (count < beyond) throw new JpegError("is truncated or damaged");
      return known & 255;
    }
    for (let length = LOOK + 1; length <= 16; length++) {
      const code = (bits >>> (count - length)) & ((1 << length) - 1);
      if (code <= table.most[length]) {
        count -= length;
        if (count < beyond) throw new JpegError("is truncated or damaged");
        return table.symbols[table.offset[length] + code];
      }
    }
    throw new JpegError(beyond ? "is truncated or damaged" : "is damaged: a code is unknown");
  }
  function signed(length) {
    const value = take(length);
    return value < 1 << (length - 1) ? value - (1 << length) + 1 : value;
  }

  function whole(out, base, c) {
    const size = decode(c.dc);
    if (size > 15) throw new JpegError("is damaged: a difference is too large");
    out[base] = c.last += size ? signed(size) : 0;
    for (let k = 1; k < 64; k++) {
      const both = decode(c.ac), length = both & 15;
      if (!length) {
        if (both < 0xf0) return;
        k += 15;
        continue;
      }
      k += both >> 4;
      if (k > 63) throw new JpegError("is damaged: a block has too many coefficients");
      out[base + ZIGZAG[k]] = signed(length);
    }
  }
  function firstDc(out, base, c) {
    const size = decode(c.dc);
    if (size > 15) throw new JpegError("is damaged: a difference is too large");
    c.last += size ? signed(size) : 0;
    out[base] = c.last << below;
  }
  function refineDc(out, base) {
    if (take(1)) out[base] |= one;
  }
  function firstAc(out, base, c) {
    if (run) {
      run--;
      return;
    }
    for (let k = low; k <= high; k++) {
      const both = decode(c.ac), length = both & 15, zeros = both >> 4;
      if (!length) {
        if (zeros < 15) {
          run = (1 << zeros) - 1 + take(zeros);
          return;
        }
        k += 15;
        continue;
      }
      k += zeros;
      if (k > 63) throw new JpegError("is damaged: a block has too many coefficients");
      out[base + ZIGZAG[k]] = signed(length) << below;
    }
  }
  function correct(out, at) {
    if (take(1) && !(out[at] & one)) out[at] += out[at] > 0 ? one : minus;
  }
  function refineAc(out, base, c) {
    let k = low;
    if (!run) {
      for (; k <= high; k++) {
        const both = decode(c.ac);
        let zeros = both >> 4, value = 0;
        if (both & 15) value = take(1) ? one : minus;
        else if (zeros < 15) {
          run = (1 << zeros) + take(zeros);
          break;
        }
        for (; k <= high; k++) {
          const at = base + ZIGZAG[k];
          if (out[at]) correct(out, at);
          else if (--zeros < 0) {
            if (value) out[at] = value;
            break;
          }
        }
      }
    }
    if (run) {
      for (; k <= high; k++) if (out[base + ZIGZAG[k]]) correct(out, base + ZIGZAG[k]);
      run--;
    }
  }
  const block = !found.progressive ? whole
    : low ? (refine ? refineAc : firstAc) : refine ? refineDc : firstDc;

  function restart(number) {
    count = bits = beyond = run = 0;
    for (const c of parts) c.last = 0;
    while (bytes[place] === 0xff && bytes[place + 1] === 0xff) place++;
    if (bytes[place] !== 0xff || bytes[place + 1] !== 0xd0 + (number & 7)) {
      throw new JpegError("is damaged: a restart marker is missing");
    }
    place += 2;
  }

  for (const c of parts) c.last = 0;
  const single = parts.length === 1;
  const across = single ? parts[0].columns : found.columns;
  const down = single ? parts[0].rows : found.rows;
  for (let row = 0, unit = 0, number = 0; row < down; row++) {
    for (let column = 0; column < across; column++, unit++) {
      if (interval && unit && unit % interval === 0) restart(number++);
      if (single) {
        block(parts[0].integers, (row * parts[0].stride + column) * 64, parts[0]);
        continue;
      }
      for (const c of parts) {
        for (let y = row * c.down; y < (row + 1) * c.down; y++) {
          for (let x = column * c.across; x < (column + 1) * c.across; x++) {
            block(c.integers, (y * c.stride + x) * 64, c);
          }
        }
      }
    }
  }
  return place;
}

function scan(bytes, start, found, quantisation, huffman, interval) {
  const count = bytes[start], parts = [];
  for (let n = 0; n < count; n++) {
    const c = found.components.find(({ name }) => name === bytes[start + 1 + 2 * n]);
    if (!c || parts.includes(c)) throw new JpegError("is damaged: a scan names no component");
    const both = bytes[start + 2 + 2 * n];
    [c.dc, c.ac] = [huffman[both >> 4], huffman[16 | (both & 15)]];
    parts.push(c);
  }
  let [low, high, shifts] = bytes.subarray(start + 1 + 2 * count, start + 4 + 2 * count);
  if (!found.progressive) [low, high, shifts] = [0, 63, 0];
  const above = shifts >> 4, below = shifts & 15;
  const fits = found.progressive ? low <= high && high < 64 && below < 14 && (low ? count === 1 : !high) : true;
  const needsDc = low === 0 && !above, needsAc = high > 0;
  if (!fits || !count || parts.some((c) => (needsDc && !c.dc) || (needsAc && !c.ac))) {
    throw new JpegError("is damaged: a scan's header makes no sense");
  }
  for (const c of parts) {
    if (!c.steps) {
      c.steps = quantisation[c.table];
      if (!c.steps) throw new JpegError("is damaged: a quantisation table is missing");
      if (c.steps.includes(0)) throw new JpegError("has a quantisation table with a step of 0");
    }
    c.integers ??= new Int16Array(c.stride * found.rows * c.down * 64);
    // The lowest bit that a scan has brought of each coefficient.
    c.bits ??= new Int8Array(64).fill(-1);
    c.bits.fill(below, low, high + 1);
  }
  const first = start + 4 + 2 * count;
  return decodeScan(bytes, first, found, parts, low, high, above, below, huffman, interval);
}

// Returns the frame with its components; `check` sees it before any coefficient is decoded, and
// without `coefficients` the header is all that is read. Throws JpegError, whose message is a clause.
export function read(bytes, { coefficients = true, check = () => {} } = {}) {
  if (!isJpeg(bytes)) throw new JpegError("is no JPEG");
  const quantisation = {}, huffman = {};
  let found = null, interval = 0, jfif = false, adobe = -1, scans = 0;
  for (let place = nextMarker(bytes, 2); place >= 0; ) {
    const marker = bytes[place + 1], start = place + 4;
    if (marker === 0xd9) break;
    const end = place + 2 + ((bytes[place + 2] << 8) | bytes[place + 3]);
    let next = end;
    if (UNSUPPORTED[marker]) throw new JpegError(`${UNSUPPORTED[marker]}, which is not supported`);
    if (end > bytes.length) throw new JpegError("is truncated");
    if (marker === 0xe0) jfif ||= text(bytes, start, 5) === "JFIF\0";
    else if (marker === 0xee && text(bytes, start, 5) === "Adobe") adobe = bytes[start + 11];
    else if (marker === 0xdb) quantTables(bytes, start, end, quantisation);
    else if (marker === 0xc4) huffmanTables(bytes, start, end, huffman);
    else if (marker === 0xdd) interval = (bytes[start] << 8) | bytes[start + 1];
    else if (marker >= 0xc0 && marker <= 0xc2) {
      if (found) throw new JpegError("is damaged: it has two frames");
      found = frame(bytes, start, end, marker);
    } else if (marker === 0xda) {
      if (!found) throw new JpegError("is damaged: a scan comes before its frame");
      if (++scans === 1) {
        Object.assign(found, { jfif, adobe });
        for (const c of found.components) c.steps = quantisation[c.table] ?? null;
        check(found);
      }
      if (!coefficients) return found;
      if (scans > MOST_SCANS) throw new JpegError(`has more than ${MOST_SCANS} scans`);
      next = scan(bytes, start, found, quantisation, huffman, interval);
    }
    place = nextMarker(bytes, next);
  }
  if (!found) throw new JpegError("is truncated: it has no image");
  if (!found.components.every((c) => c.bits?.every((bit) => bit === 0))) {
    throw new JpegError("is truncated: a part of the image is missing");
  }
  return found;
}

// The colours of the stored samples; the rules are libjpeg's: JFIF, then Adobe's marker, then names.
export function colours({ components, jfif, adobe }) {
  if (components.length === 1) return "gray";
  if (components.length === 4) return adobe === 2 ? "YCCK" : "CMYK";
  const names = String.fromCharCode(...components.map(({ name }) => name));
  return !jfif && (adobe === 0 || (adobe < 0 && names === "RGB")) ? "RGB" : "YCbCr";
}

// Such as "4:2:0"; "" for gray.
export function sampling({ components }) {
  if (components.length === 1) return "";
  const [luma, chroma] = components;
  const across = luma.across / chroma.across, down = luma.down / chroma.down;
  const known = { "2,2": "4:2:0", "2,1": "4:2:2", "1,1": "4:4:4", "1,2": "4:4:0", "4,1": "4:1:1" };
  const short = (value) => String(Number(value.toPrecision(3)));
  return known[[across, down]] ?? `${short(across)}x${short(down)}`;
}
