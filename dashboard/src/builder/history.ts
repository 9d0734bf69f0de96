// What was done, as an array of drafts, so that each step can be undone and done again.

import type { Draft } from "./model";

export interface History {
  readonly past: readonly Draft[];
  readonly present: Draft;
  readonly future: readonly Draft[];
  /** Names the field of the last step: typing in one field is one step. */
  readonly field: string;
}

const MAX_STEPS = 200;

export const begin = (present: Draft): History => ({ past: [], present, future: [], field: "" });

export function commit(history: History, draft: Draft, field = ""): History {
  if (draft === history.present) return history;
  if (field && field === history.field) return { ...history, present: draft, future: [] };
  return { past: [...history.past, history.present].slice(-MAX_STEPS), present: draft, future: [], field };
}

export function undo({ past, present, future }: History): History {
  const before = past.at(-1);
  return before
    ? { past: past.slice(0, -1), present: before, future: [present, ...future], field: "" }
    : { past, present, future, field: "" };
}

export function redo({ past, present, future }: History): History {
  const [next, ...more] = future;
  return next ? { past: [...past, present], present: next, future: more, field: "" } : { past, present, future, field: "" };
}
