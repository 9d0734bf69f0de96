// Changes that are not saved stay in this tab, so that a reload loses nothing.

import type { Draft, Saved } from "./model";

export interface Unsaved {
  readonly base: Saved;
  readonly draft: Draft;
}

const keyOf = (workflowId: string) => `agent-studio:builder:1:${workflowId}`;

export function readUnsaved(workflowId: string): Unsaved | null {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(workflowId)) ?? "null") as Unsaved | null;
  } catch {
    return null;
  }
}

export function keepUnsaved(workflowId: string, unsaved: Unsaved | null): void {
  if (!unsaved) return sessionStorage.removeItem(keyOf(workflowId));
  try {
    sessionStorage.setItem(keyOf(workflowId), JSON.stringify(unsaved));
  } catch {
    // The storage is full: the warning before the page is left still protects the changes.
  }
}
