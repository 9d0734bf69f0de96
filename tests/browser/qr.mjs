// Reads what a QR code says, without correcting errors: bytes at error correction level L, versions 1 to 9.

const DATA_WORDS = [19, 34, 55, 80, 108, 136, 156, 194, 232];
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2];
const ALIGNED_AT = [[], [18], [22], [26], [30], [34], [6, 22, 38], [6, 24, 42], [6, 26, 46]];
const MASKS = [
  (x, y) => (x + y) % 2,
  (x, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => ((y >> 1) + Math.floor(x / 3)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** `code[y][x]` is true for dark modules. */
export function textOf(code) {
  const size = code.length;
  const version = (size - 17) / 4;
  const bit = (x, y) => Number(code[y][x]);
  const level = (bit(0, 8) * 2 + bit(1, 8)) ^ 0b10;
  if (level !== 0b01) throw new Error(`the error correction level is ${level}`);
  const masked = MASKS[(bit(2, 8) * 4 + bit(3, 8) * 2 + bit(4, 8)) ^ 0b101];
  const bits = [];
  for (const [x, y] of zigzag(size)) if (!isReserved(x, y, size, version)) bits.push(bit(x, y) ^ Number(masked(x, y) === 0));
  const words = Array.from({ length: DATA_WORDS[version - 1] }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8).join(""), 2));
  const blocks = BLOCKS[version - 1];
  const stream = Array.from({ length: blocks }, (_, block) => words.filter((_, at) => at % blocks === block)).flat();
  const text = stream.map((word) => word.toString(2).padStart(8, "0")).join("");
  if (text.slice(0, 4) !== "0100") throw new Error("the code holds no bytes");
  const length = parseInt(text.slice(4, 12), 2);
  return Buffer.from(Array.from({ length }, (_, at) => parseInt(text.slice(12 + at * 8, 20 + at * 8), 2))).toString();
}

/** Pairs of columns from the right, up and down; the column of the timing pattern is left out. */
function* zigzag(size) {
  const columns = Array.from({ length: size }, (_, x) => x).filter((x) => x !== 6).reverse();
  for (let pair = 0; pair < columns.length; pair += 2) {
    for (let step = 0; step < size; step++) {
      const y = (pair / 2) % 2 ? step : size - 1 - step;
      yield [columns[pair], y];
      yield [columns[pair + 1], y];
    }
  }
}

function isReserved(x, y, size, version) {
  const inFinder = (x < 9 && y < 9) || (x < 9 && y >= size - 8) || (x >= size - 8 && y < 9);
  const inVersion = version >= 7 && ((x < 6 && y >= size - 11) || (y < 6 && x >= size - 11));
  return inFinder || inVersion || x === 6 || y === 6 || isAligned(x, y, size, version);
}

function isAligned(x, y, size, version) {
  const centres = ALIGNED_AT[version - 1];
  const isNear = (a, b) => Math.abs(a - b) <= 2;
  const isFinder = (cx, cy) => (cx === 6 && (cy === 6 || cy === size - 7)) || (cx === size - 7 && cy === 6);
  return centres.some((cx) => centres.some((cy) => !isFinder(cx, cy) && isNear(x, cx) && isNear(y, cy)));
}
