// A zip archive of files that are stored as they are: images do not get smaller (PKWARE APPNOTE 6.3).

import { crc32 } from "./encoding.js";

// Returns names that differ, the later of equal ones with a number.
export function different(names) {
  const used = new Set();
  return names.map((name) => {
    const [, stem, suffix] = name.match(/^(.*?)(\.[^.]*)?$/s);
    let made = name;
    for (let n = 2; used.has(made.toLowerCase()); n++) made = `${stem} ${n}${suffix ?? ""}`;
    used.add(made.toLowerCase());
    return made;
  });
}

function entry(signature, size, fields, name) {
  const made = new Uint8Array(size + name.length), view = new DataView(made.buffer);
  view.setUint32(0, signature, true);
  for (const [place, value, bytes] of fields) view[bytes === 4 ? "setUint32" : "setUint16"](place, value, true);
  made.set(name, size);
  return made;
}

// Returns a Blob. files: [{name, blob}]; below 4 GiB in all.
export async function zip(files, date = new Date()) {
  const parts = [], directory = [];
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  const names = different(files.map(({ name }) => name));
  let place = 0;
  for (const [n, { blob }] of files.entries()) {
    const name = new TextEncoder().encode(names[n]);
    const sum = crc32(new Uint8Array(await blob.arrayBuffer()));
    // From the version on: UTF-8 names, stored, time, day, sum, both sizes, length of the name.
    const fields = (at) => [
      [at, 20, 2], [at + 2, 0x800, 2], [at + 6, time, 2], [at + 8, day, 2], [at + 10, sum, 4],
      [at + 14, blob.size, 4], [at + 18, blob.size, 4], [at + 22, name.length, 2],
    ];
    const head = entry(0x04034b50, 30, fields(4), name);
    directory.push(entry(0x02014b50, 46, [[4, 20, 2], ...fields(6), [42, place, 4]], name));
    parts.push(head, blob);
    place += head.length + blob.size;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const count = files.length;
  const end = entry(0x06054b50, 22, [[8, count, 2], [10, count, 2], [12, size, 4], [16, place, 4]], new Uint8Array());
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}
