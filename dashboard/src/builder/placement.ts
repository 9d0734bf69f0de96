// Where nodes are drawn that have no position yet.

import { GAP, NODE_SIZE, type Ends, type Point } from "./layout";

/** Most workflows have positions, and dagre is large. Null when it cannot be loaded. */
export const loadTidy = () => import("./tidy").catch(() => null);

interface Placeable {
  readonly uid: string;
  readonly position: Point | null;
}

/** Gives a position to nodes without one: in layers if none has one, else in a row below the others. */
export async function placed<Node extends Placeable>(
  nodes: readonly Node[],
  connections: readonly Ends[],
): Promise<readonly (Omit<Node, "position"> & { readonly position: Point })[]> {
  const known = nodes.flatMap(({ position }) => position ?? []);
  const tidied = known.length || !nodes.length ? null : (await loadTidy())?.tidy(nodes.map(({ uid }) => uid), connections);
  const left = known.length ? Math.min(...known.map(({ x }) => x)) : 0;
  const below = known.length ? Math.max(...known.map(({ y }) => y)) + NODE_SIZE.height + GAP : 0;
  let column = 0;
  return nodes.map((node) => ({
    ...node,
    position: node.position ?? tidied?.get(node.uid) ?? { x: left + (NODE_SIZE.width + GAP) * column++, y: below },
  }));
}
