// Changes that are not saved stay in this tab, so that a reload loses nothing.

import { UNSAVED } from "@/data/account";
import type { Step } from "./history";

const keyOf = (workflowId: string) => `${UNSAVED}workflow:${workflowId}`;

export function readUnsaved(workflowId: string): Step | null {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(workflowId)) ?? "null") as Step | null;
  } catch {
    return null;
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
