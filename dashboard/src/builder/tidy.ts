import { Graph, layout } from "@dagrejs/dagre";
import { GAP, NODE_SIZE, type Ends, type Point, type Size } from "./layout";

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
