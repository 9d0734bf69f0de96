// Where nodes are drawn.

import { Graph, layout } from "@dagrejs/dagre";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of a node that has not been drawn yet. */
export const NODE_SIZE: Size = { width: 224, height: 104 };
const GAP = 48;

interface Ends {
  readonly source: string;
  readonly target: string;
}

/** Positions in layers from left to right. */
export function tidy(uids: readonly string[], connections: readonly Ends[], sizes?: ReadonlyMap<string, Size>): ReadonlyMap<string, Point> {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP, ranksep: 4 * GAP });
  graph.setDefaultEdgeLabel(() => ({}));
  const sizeOf = (uid: string) => sizes?.get(uid) ?? NODE_SIZE;
  for (const uid of uids) graph.setNode(uid, { ...sizeOf(uid) });
  for (const { source, target } of connections) if (uids.includes(source) && uids.includes(target)) graph.setEdge(source, target);
  layout(graph);
  return new Map(
    uids.map((uid) => {
      const [{ x, y }, { width, height }] = [graph.node(uid), sizeOf(uid)];
      return [uid, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
    }),
  );
}

interface Placeable {
  readonly uid: string;
  readonly position: Point | null;
}

/** Gives a position to nodes without one: in layers if none has one, else in a row below the others. */
export function placed<Node extends Placeable>(
  nodes: readonly Node[],
  connections: readonly Ends[],
): readonly (Omit<Node, "position"> & { readonly position: Point })[] {
  const known = nodes.flatMap(({ position }) => position ?? []);
  const tidied = known.length
    ? null
    : tidy(
        nodes.map(({ uid }) => uid),
        connections,
      );
  const left = Math.min(...known.map(({ x }) => x));
  const below = Math.max(...known.map(({ y }) => y)) + NODE_SIZE.height + GAP;
  let column = 0;
  return nodes.map((node) => ({
    ...node,
    position: node.position ?? tidied?.get(node.uid) ?? { x: left + (NODE_SIZE.width + GAP) * column++, y: below },
  }));
}
