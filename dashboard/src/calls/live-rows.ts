// Rows of the first page, merged with a live list of the same filter.

import type { LiveCallsSubscription } from "@/gql/calls";
import type { CallRow } from "./columns";

export interface LiveRows {
  /** What the subscription has shown so far, by id; null for a call that left the list. */
  readonly byId: ReadonlyMap<string, CallRow | null>;
}

export const NO_LIVE_ROWS: LiveRows = { byId: new Map() };

export function withUpdate(rows: LiveRows = NO_LIVE_ROWS, { calls: update }: LiveCallsSubscription): LiveRows {
  const byId = new Map(rows.byId);
  switch (update.__typename) {
    case "CallListSnapshot":
      for (const call of update.calls) byId.set(call.id, call);
      break;
    case "CallAdded":
    case "CallChanged":
      byId.set(update.call.id, update.call);
      break;
    case "CallRemoved":
      byId.set(update.callId, null);
  }
  return { byId };
}

/** Newest first. A live call belongs on the page if it is newer than the last row, or if the page has room. */
export function merged(page: readonly CallRow[], live: LiveRows, size: number, hasMore: boolean): readonly CallRow[] {
  const last = page.at(-1);
  const rows = new Map(page.map((call) => [call.id, call]));
  for (const [id, call] of live.byId) {
    if (call === null) rows.delete(id);
    else if (rows.has(id) || !hasMore || !last || call.createdAt > last.createdAt) rows.set(id, call);
  }
  return [...rows.values()].sort((a, b) => b.createdAt.localeCompare(a.createdAt)).slice(0, size);
}
