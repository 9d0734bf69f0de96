// When each turn is heard in the recording.

import type { Entry } from "./story";

export interface Span {
  readonly key: string;
  /** Milliseconds since the start of the recording. */
  readonly from: number;
  readonly until: number;
}

const LETTERS_PER_SECOND = 14;
const PAUSE_MS = 500;

/** The log has the end of each turn. Its start is estimated from the length of its words, and lies after the end of the turn before it. */
export function turnSpans(story: readonly Entry[], startedAt: string): readonly Span[] {
  const start = Date.parse(startedAt);
  const spans: Span[] = [];
  let before = 0;
  for (const entry of story) {
    if (entry.kind !== "TURN" || entry.at === null) continue;
    const until = Math.max(before, Date.parse(entry.at) - start);
    const { heardText, text } = entry.turn;
    const length = (1000 * (heardText ?? text).length) / LETTERS_PER_SECOND + PAUSE_MS;
    spans.push({ key: entry.key, from: Math.max(before, until - length), until });
    before = until;
  }
  return spans;
}

export const spanAt = (spans: readonly Span[], ms: number): Span | undefined => spans.find(({ from, until }) => from <= ms && ms < until);
