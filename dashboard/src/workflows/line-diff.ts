// The unified diff of a long text, as lines whose changed words are marked.

export interface Line {
  readonly kind: "SAME" | "OLD" | "NEW" | "GAP";
  readonly parts: readonly Part[];
}

export interface Part {
  readonly text: string;
  readonly isChanged: boolean;
}

const KINDS: Readonly<Record<string, Line["kind"]>> = { " ": "SAME", "-": "OLD", "+": "NEW", "@": "GAP" };
const whole = (text: string): readonly Part[] => [{ text, isChanged: false }];

/** Null if the text is no unified diff. */
export function linesOf(text: string): readonly Line[] | null {
  const [old, current, ...rest] = text.split("\n");
  if (!old?.startsWith("--- ") || !current?.startsWith("+++ ")) return null;
  const lines = rest.map((line): Line => {
    const kind = KINDS[line[0] ?? " "] ?? "SAME";
    return { kind, parts: whole(kind === "GAP" ? "" : line.slice(1)) };
  });
  if (lines[0]?.kind === "GAP") lines.shift();
  return withWords(lines);
}

/** The first of some old lines became the first of the new ones after them, and so on. */
function withWords(lines: readonly Line[]): readonly Line[] {
  const marked = [...lines];
  for (let start = 0; start < lines.length; ) {
    const olds = runOf(lines, start, "OLD");
    const news = runOf(lines, start + olds, "NEW");
    for (let index = 0; index < Math.min(olds, news); index++) {
      const [at, other] = [start + index, start + olds + index];
      const [before, after] = marksOf(textAt(lines, at), textAt(lines, other));
      marked[at] = { kind: "OLD", parts: before };
      marked[other] = { kind: "NEW", parts: after };
    }
    start += Math.max(1, olds + news);
  }
  return marked;
}

const textAt = (lines: readonly Line[], at: number) => lines[at]?.parts[0]?.text ?? "";

function runOf(lines: readonly Line[], start: number, kind: Line["kind"]): number {
  let length = 0;
  while (lines[start + length]?.kind === kind) length++;
  return length;
}

/** The words between the first and the last difference are marked on both sides. */
function marksOf(before: string, after: string): readonly [readonly Part[], readonly Part[]] {
  const [old, current] = [before.split(/(?<=\s)/), after.split(/(?<=\s)/)];
  const shortest = Math.min(old.length, current.length);
  let start = 0;
  while (start < shortest && old[start] === current[start]) start++;
  let end = 0;
  while (end < shortest - start && old.at(-1 - end) === current.at(-1 - end)) end++;
  if (start + end === 0) return [whole(before), whole(after)];
  return [partsOf(old, start, end), partsOf(current, start, end)];
}

function partsOf(words: readonly string[], start: number, end: number): readonly Part[] {
  const stop = words.length - end;
  const parts = [
    { text: words.slice(0, start).join(""), isChanged: false },
    { text: words.slice(start, stop).join(""), isChanged: true },
    { text: words.slice(stop).join(""), isChanged: false },
  ];
  return parts.filter(({ text }) => text);
}
