// Metadata of JPEG files: reading it, and writing it to results that are turned upright already.

import { isJpeg, segments } from "./jpeg.js";

const starts = (bytes, start, name) => [...name].every((letter, n) => bytes[start + n] === letter.charCodeAt(0));
const EXIF = "Exif\0\0", ICC = "ICC_PROFILE\0", XMP = "http://ns.adobe.com/xap/1.0/\0";

// The place of orientation's value in an EXIF block of TIFF bytes; [DataView, offset, little] or null.
function orientationPlace(tiff) {
  if (tiff.length < 14) return null;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = view.getUint16(0) === 0x4949;
  try {
    const first = view.getUint32(4, little), count = view.getUint16(first, little);
    for (let place = first + 2; place < first + 2 + 12 * count; place += 12) {
      if (view.getUint16(place, little) === 0x112 && view.getUint16(place + 2, little) === 3) {
        return [view, place + 8, little];
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // Damaged EXIF asks for nothing.
  }
  return null;
}

// Returns {exif, icc, xmp, others}: TIFF bytes, a profile, a packet, and whole segments of IPTC and
// comments. All are empty for other files.
export function read(bytes) {
  const found = { exif: null, icc: null, xmp: null, others: [] };
  if (!isJpeg(bytes)) return found;
  const profile = [];
  for (const [marker, place, start, end] of segments(bytes)) {
    if (marker === 0xe1 && starts(bytes, start, EXIF)) found.exif ??= bytes.slice(start + 6, end);
    else if (marker === 0xe1 && starts(bytes, start, XMP)) found.xmp ??= bytes.slice(start + XMP.length, end);
    else if (marker === 0xe2 && starts(bytes, start, ICC)) profile[bytes[start + 12]] = bytes.subarray(start + 14, end);
    else if (marker === 0xed || marker === 0xfe) found.others.push(bytes.slice(place, end));
  }
  const parts = profile.filter(Boolean);
  if (parts.length) found.icc = join(parts);
  return found;
}

export function orientationOf(bytes) {
  const { exif } = read(bytes), place = exif && orientationPlace(exif);
  const value = place ? place[0].getUint16(place[1], place[2]) : 1;
  return value >= 1 && value <= 8 ? value : 1;
}

// Returns what a result can carry: upright, and only a profile that fits its colours.
export function upright(found, count, kind) {
  const exif = found.exif && found.exif.slice(), place = exif && orientationPlace(exif);
  if (place) place[0].setUint16(place[1], 1, place[2]);
  const space = found.icc && String.fromCharCode(...found.icc.subarray(16, 20));
  const fits = space === (count === 1 ? "GRAY" : "RGB ") && !["CMYK", "YCCK"].includes(kind);
  let { xmp } = found;
  if (xmp) {
    const text = new TextDecoder().decode(xmp);
    const turned = text.replace(/(tiff:Orientation(?:="|>))[2-8]/g, "$11").replace(/\s*xmpNote:HasExtendedXMP="[^"]*"/g, "");
    if (turned !== text) xmp = new TextEncoder().encode(turned);
  }
  return { ...found, exif, xmp, icc: fits ? found.icc : null, lostProfile: Boolean(found.icc) && !fits };
}

export function join(parts) {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    made.set(part, place);
    place += part.length;
  }
  return made;
}

export const ascii = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

function segment(marker, ...content) {
  const length = content.reduce((sum, part) => sum + part.length, 2);
  return length > 65535 ? new Uint8Array() : join([Uint8Array.of(0xff, marker, length >> 8, length & 255), ...content]);
}

// Returns a JPEG with metadata in place of its own.
export function intoJpeg(jpeg, { exif, icc, xmp, others }) {
  const parts = [jpeg.subarray(0, 2)], kept = [];
  if (exif) parts.push(segment(0xe1, ascii(EXIF), exif));
  if (xmp) parts.push(segment(0xe1, ascii(XMP), xmp));
  const most = 65519, count = icc ? Math.ceil(icc.length / most) : 0;
  for (let n = 0; n < count; n++) {
    parts.push(segment(0xe2, ascii(ICC), Uint8Array.of(n + 1, count), icc.subarray(n * most, (n + 1) * most)));
  }
  let rest = jpeg.length;
  for (const [marker, place, , end] of segments(jpeg)) {
    if (marker === 0xe1 || marker === 0xe2) continue;
    if (marker === 0xe0) {
      kept.push(jpeg.subarray(place, end));
      continue;
    }
    rest = place;
    break;
  }
  // JFIF's segment comes first, as its standard asks.
  return join([parts[0], ...kept, ...parts.slice(1), ...others, jpeg.subarray(rest)]);
}

function chunk(name, content) {
  const made = new Uint8Array(8 + content.length + (content.length & 1));
  made.set(ascii(name));
  new DataView(made.buffer).setUint32(4, content.length, true);
  made.set(content, 8);
  return made;
}

// Returns a WebP with metadata (RFC 9649).
export function intoWebp(webp, width, height, alpha, { exif, icc, xmp }) {
  if (!exif && !icc && !xmp) return webp;
  const images = [];
  const view = new DataView(webp.buffer, webp.byteOffset, webp.byteLength);
  for (let place = 12; place + 8 <= webp.length; ) {
    const name = String.fromCharCode(...webp.subarray(place, place + 4)), length = view.getUint32(place + 4, true);
    const end = place + 8 + length + (length & 1);
    if (["VP8 ", "VP8L", "ALPH"].includes(name)) images.push(webp.subarray(place, end));
    place = end;
  }
  const header = new Uint8Array(10), sizes = new DataView(header.buffer);
  header[0] = (icc ? 0x20 : 0) | (alpha ? 0x10 : 0) | (exif ? 8 : 0) | (xmp ? 4 : 0);
  sizes.setUint16(4, (width - 1) & 0xffff, true);
  sizes.setUint16(7, (height - 1) & 0xffff, true);
  const body = join([
    ascii("WEBP"), chunk("VP8X", header), ...(icc ? [chunk("ICCP", icc)] : []), ...images,
    ...(exif ? [chunk("EXIF", exif)] : []), ...(xmp ? [chunk("XMP ", xmp)] : []),
  ]);
  const made = join([ascii("RIFF"), new Uint8Array(4), body]);
  new DataView(made.buffer).setUint32(4, body.length, true);
  return made;
}
