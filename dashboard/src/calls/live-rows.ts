// Rows of the first page, merged with a live list of the same filter.

import type { LiveCallsSubscription } from "@/gql/calls";
import type { CallRow } from "./columns";

export interface LiveRows {
  /** What the subscription has shown so far, by id; null for a call that left the list. */
  readonly byId: ReadonlyMap<string, CallRow | null>;
}

/** A snapshot has at most so many calls. */
export const SNAPSHOT_SIZE = 100;

export const NO_LIVE_ROWS: LiveRows = { byId: new Map() };

export function withUpdate(rows: LiveRows = NO_LIVE_ROWS, { calls: update }: LiveCallsSubscription): LiveRows {
  const byId = new Map(rows.byId);
  switch (update.__typename) {
    case "CallListSnapshot":
      // After a reconnect, a call that was shown and is not in the snapshot left the list meanwhile.
      for (const [id, call] of byId) if (call && isCovered(call, update.calls)) byId.set(id, null);
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

/** Whether a snapshot has to contain the call if it is still in the list. */
function isCovered(call: CallRow, snapshot: readonly CallRow[]): boolean {
  const oldest = snapshot.at(-1);
  return snapshot.length < SNAPSHOT_SIZE || (oldest !== undefined && call.createdAt >= oldest.createdAt);
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
