// Changes that are not saved stay in this tab, so that a reload loses nothing.

import { UNSAVED } from "@/data/account";
import { decodeStep } from "./decode";
import type { Step } from "./history";

const keyOf = (workflowId: string) => `${UNSAVED}workflow:${workflowId}`;

export interface Unsaved {
  readonly step: Step | null;
  /** There is something, but the page cannot read it. */
  readonly isUnreadable: boolean;
}

export function readUnsaved(workflowId: string): Unsaved {
  const text = sessionStorage.getItem(keyOf(workflowId));
  if (text === null) return { step: null, isUnreadable: false };
  try {
    return { step: decodeStep(JSON.parse(text)), isUnreadable: false };
  } catch {
    return { step: null, isUnreadable: true };
  }
}

export function keepUnsaved(workflowId: string, unsaved: Step | null): void {
  if (!unsaved) return sessionStorage.removeItem(keyOf(workflowId));
  try {
    sessionStorage.setItem(keyOf(workflowId), JSON.stringify(unsaved));
  } catch {
    // The storage is full: an older draft must not come back instead. The warning before the tab is closed remains.
    sessionStorage.removeItem(keyOf(workflowId));
  }
}
