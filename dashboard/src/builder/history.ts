// What was done, as an array of drafts with what each of them is based on, so that each step can be undone and done again.
// Undo past what another person saved also restores the older base: saving is then a conflict, and removes nothing of theirs.

import type { Draft, Saved } from "./model";

export interface Step {
  readonly base: Saved;
  readonly draft: Draft;
}

export interface History {
  readonly past: readonly Step[];
  readonly present: Step;
  readonly future: readonly Step[];
  /** Names the field of the last step: typing in one field is one step. */
  readonly field: string;
}

const MAX_STEPS = 200;

export const begin = (present: Step): History => ({ past: [], present, future: [], field: "" });

export function commit(history: History, step: Step, field = ""): History {
  if (step.draft === history.present.draft && step.base === history.present.base) return history;
  if (field && field === history.field) return { ...history, present: step, future: [] };
  return { past: [...history.past, history.present].slice(-MAX_STEPS), present: step, future: [], field };
}

/** The same drafts after the present one was saved: those that had its base are based on what was saved. */
export function saved({ past, present, future, field }: History, base: Saved): History {
  const onIt = (step: Step): Step => (step.base === present.base ? { base, draft: step.draft } : step);
  return { past: past.map(onIt), present: onIt(present), future: future.map(onIt), field };
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
