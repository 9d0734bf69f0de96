import type { CallEvent } from "agent-studio-client";
import { useMemo } from "react";

/** Where a conversation is and has been, by the keys of nodes. */
export type Positions = ReadonlyMap<string, "now" | "visited">;

export const NOWHERE: Positions = new Map();

/** The nodes in the order in which they were entered; the same value as long as the conversation stays where it is. */
export function useVisited(events: readonly CallEvent[]): readonly string[] {
  const path = events.flatMap((event) => (event.__typename === "NodeEntered" ? [event.node] : [])).join(" ");
  return useMemo(() => path.split(" ").filter(Boolean), [path]);
}

export function positionsOf(visited: readonly string[], isLive: boolean): Positions {
  const positions = new Map<string, "now" | "visited">(visited.map((node) => [node, "visited"]));
  const last = visited.at(-1);
  if (last && isLive) positions.set(last, "now");
  return positions;
}
