// QR codes (ISO/IEC 18004) of bytes with error correction level L, which is enough for a screen: versions 1 to 10, up to
// 271 bytes. A code is a square of modules, true for dark.

/** For each version: codewords of error correction in a block, and the data codewords of each block. */
const BLOCKS: readonly (readonly [number, readonly number[]])[] = [
  [7, [19]],
  [10, [34]],
  [15, [55]],
  [20, [80]],
  [26, [108]],
  [18, [68, 68]],
  [20, [78, 78]],
  [24, [97, 97]],
  [30, [116, 116]],
  [18, [68, 68, 69, 69]],
];

/** Centres of the alignment patterns of each version. */
const ALIGNMENT: readonly (readonly number[])[] = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
];

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

export type Square = readonly (readonly boolean[])[];
type SetModule = (x: number, y: number, isDark: boolean) => void;

/** The code of a text; null if it is too long. */
export function qrCode(text: string): Square | null {
  const bytes = new TextEncoder().encode(text);
  const version = BLOCKS.findIndex(([, blocks], index) => sum(blocks) * 8 >= 4 + lengthBits(index + 1) + bytes.length * 8) + 1;
  if (version === 0) return null;
  const bits = codewords(bytes, version).flatMap((word) => bitsOf(word, 8));
  const codes = MASKS.map((_, mask) => draw(version, bits, mask));
  return codes.reduce((best, code) => (penalty(code) < penalty(best) ? code : best));
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);
const lengthBits = (version: number) => (version < 10 ? 8 : 16);
const bitsOf = (value: number, length: number) => Array.from({ length }, (_, index) => (value >> (length - 1 - index)) & 1);

// ---- the bytes ----------------------------------------------------------------------------------

function codewords(bytes: Uint8Array, version: number): number[] {
  const [eccLength, blocks] = BLOCKS[version - 1] ?? [0, []];
  const capacity = sum(blocks);
  const bits = [...bitsOf(0b0100, 4), ...bitsOf(bytes.length, lengthBits(version)), ...[...bytes].flatMap((byte) => bitsOf(byte, 8))];
  bits.push(...bitsOf(0, Math.min(4, capacity * 8 - bits.length)));
  bits.push(...bitsOf(0, (8 - (bits.length % 8)) % 8));
  const data = Array.from({ length: bits.length / 8 }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8).join(""), 2));
  for (let pad = 0xec; data.length < capacity; pad ^= 0xec ^ 0x11) data.push(pad);
  let start = 0;
  const parts = blocks.map((length) => data.slice(start, (start += length)));
  return [...interleaved(parts), ...interleaved(parts.map((part) => errorCorrection(part, eccLength)))];
}

function interleaved(parts: readonly (readonly number[])[]): number[] {
  const longest = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => parts.flatMap((part) => part[at] ?? [])).flat();
}

/** Multiplication in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1. */
function product(a: number, b: number): number {
  let result = 0;
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ ((result >> 7) * 0x11d);
    if ((b >> bit) & 1) result ^= a;
  }
  return result;
}

/** The remainder of the data, divided by the Reed-Solomon generator of this degree. */
function errorCorrection(data: readonly number[], degree: number): number[] {
  let generator = [1];
  for (let power = 0, root = 1; power < degree; power++, root = product(root, 2)) {
    generator = [...generator, 0].map((each, at) => each ^ product(generator[at - 1] ?? 0, root));
  }
  const divisor = generator.slice(1);
  let rest = new Array<number>(degree).fill(0);
  for (const word of data) {
    const factor = word ^ (rest[0] ?? 0);
    rest = [...rest.slice(1), 0].map((each, at) => each ^ product(divisor[at] ?? 0, factor));
  }
  return rest;
}

// ---- the square ---------------------------------------------------------------------------------

function draw(version: number, bits: readonly number[], mask: number): Square {
  const size = 17 + 4 * version;
  const code: (boolean | null)[][] = Array.from({ length: size }, () => new Array<boolean | null>(size).fill(null));
  const set: SetModule = (x, y, isDark) => {
    const row = code[y];
    if (row && x >= 0 && x < size) row[x] = isDark;
  };
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) rings(x, y, 4, [2, 4], set);
  for (let at = 8; at < size - 8; at++) {
    set(at, 6, at % 2 === 0);
    set(6, at, at % 2 === 0);
  }
  const [centres, last] = [ALIGNMENT[version - 1] ?? [], size - 7];
  for (const [x, y] of centres.flatMap((x) => centres.map((y) => [x, y] as const))) {
    const isInFinder = (x === 6 && (y === 6 || y === last)) || (x === last && y === 6);
    if (!isInFinder) rings(x, y, 2, [1], set);
  }
  if (version >= 7) versionBits(version, size, set);
  formatBits(mask, size, set);
  fill(code, bits, mask);
  return code.map((row) => row.map(Boolean));
}

/** Squares around a centre; those at the given distances are light. */
function rings(x: number, y: number, radius: number, light: readonly number[], set: SetModule) {
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) set(x + dx, y + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
  }
}

/** The bits of a value with the remainder of its division by a polynomial, as BCH codes have it. */
function withRemainder(value: number, length: number, polynomial: number): number {
  let rest = value;
  for (let step = 0; step < length; step++) rest = (rest << 1) ^ ((rest >> (length - 1)) * polynomial);
  return (value << length) | rest;
}

/** Error correction level and mask, twice; level L is 01. */
function formatBits(mask: number, size: number, set: SetModule) {
  const bits = withRemainder((0b01 << 3) | mask, 10, 0x537) ^ 0x5412;
  const bit = (at: number) => ((bits >> at) & 1) === 1;
  for (let at = 0; at < 8; at++) {
    set(8, at < 6 ? at : at + 1, bit(at));
    set(size - 1 - at, 8, bit(at));
  }
  set(7, 8, bit(8));
  for (let at = 9; at < 15; at++) set(14 - at, 8, bit(at));
  for (let at = 8; at < 15; at++) set(8, size - 15 + at, bit(at));
  set(8, size - 8, true);
}

function versionBits(version: number, size: number, set: SetModule) {
  const bits = withRemainder(version, 12, 0x1f25);
  for (let at = 0; at < 18; at++) {
    const [a, b] = [size - 11 + (at % 3), Math.floor(at / 3)];
    set(a, b, ((bits >> at) & 1) === 1);
    set(b, a, ((bits >> at) & 1) === 1);
  }
}

/** The bits, in pairs of columns from the right, up and down, where nothing is yet. */
function fill(code: (boolean | null)[][], bits: readonly number[], mask: number) {
  const size = code.length;
  const isMasked = MASKS[mask] ?? (() => false);
  let next = 0;
  for (let right = size - 1, isUp = true; right > 0; right -= 2, isUp = !isUp) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const y = isUp ? size - 1 - step : step;
      const row = code[y] ?? [];
      for (const x of [right, right - 1]) {
        if (row[x] === null) row[x] = (bits[next++] === 1) !== isMasked(x, y);
      }
    }
  }
}

// ---- the mask -----------------------------------------------------------------------------------

const FINDER_LIKE = /10111010000|00001011101/g;

/** How hard the code is to read: long runs, blocks, what looks like a finder pattern, and an uneven share of dark. */
function penalty(code: Square): number {
  const size = code.length;
  const lines = [...code, ...code.map((_, x) => code.map((row) => row[x] ?? false))].map((line) => line.map(Number).join(""));
  const runs = sum(lines.flatMap((line) => (line.match(/0{5,}|1{5,}/g) ?? []).map(({ length }) => length - 2)));
  const finders = 40 * sum(lines.map((line) => (line.match(FINDER_LIKE) ?? []).length));
  let blocks = 0;
  for (let y = 1; y < size; y++) {
    for (let x = 1; x < size; x++) {
      const same = [code[y]?.[x - 1], code[y - 1]?.[x], code[y - 1]?.[x - 1]].every((each) => each === code[y]?.[x]);
      if (same) blocks += 3;
    }
  }
  const dark = sum(code.flat().map(Number)) / size ** 2;
  return runs + finders + blocks + 10 * Math.floor(Math.abs(dark * 20 - 10));
}
