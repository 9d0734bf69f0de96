// Nodes as text for the clipboard, so that they can also be pasted into another workflow.

import type { Point } from "./layout";
import { connect, free, isTaken, NEW_CONNECTION, NEW_NODE, NO_TRANSFER, type Draft, type DraftConnection, type DraftNode } from "./model";

interface Clip {
  readonly nodes: readonly DraftNode[];
  readonly connections: readonly DraftConnection[];
}

const CLIP = "agent-studio/workflow-nodes";
const SHIFT = 48;
const ORIGIN: Point = { x: 0, y: 0 };

/** The nodes with the connections between them, as text for the clipboard. */
export function copy(draft: Draft, uids: readonly string[]): string {
  const nodes = draft.nodes.filter(({ uid }) => uids.includes(uid));
  const connections = draft.connections.filter(({ source, target }) => uids.includes(source) && uids.includes(target));
  return JSON.stringify({ [CLIP]: { nodes, connections } satisfies Clip }, null, 2);
}

/** Null if the text was not copied from a workflow. */
export function paste(draft: Draft, text: string): readonly [Draft, uids: readonly string[]] | null {
  const clip = readClip(text);
  if (!clip?.nodes.length) return null;
  const names = new Map<string, string>();
  let result = draft;
  for (const node of clip.nodes) {
    const uid = free(node.id, isTaken(result));
    names.set(node.uid, uid);
    const position = { x: node.position.x + SHIFT, y: node.position.y + SHIFT };
    result = { ...result, nodes: [...result.nodes, { ...node, uid, id: uid, position, isEntry: false }] };
  }
  for (const connection of clip.connections) {
    const [source, target] = [names.get(connection.source), names.get(connection.target)];
    if (source && target) [result] = connect(result, source, target, connection);
  }
  return [result, [...names.values()]];
}

function readClip(text: string): Clip | null {
  try {
    const clip = (JSON.parse(text) as { [CLIP]?: Clip })[CLIP];
    if (!Array.isArray(clip?.nodes) || !Array.isArray(clip.connections)) return null;
    const nodes = clip.nodes
      .map((node) => ({
        ...like({ ...NEW_NODE, uid: "", id: "", agent: "", position: ORIGIN }, node),
        transfer: like(NO_TRANSFER, node.transfer),
      }))
      .filter(({ uid, id, position }) => uid && id && Number.isFinite(position.x) && Number.isFinite(position.y));
    return { nodes, connections: clip.connections.map((each) => like({ ...NEW_CONNECTION, uid: "", source: "", target: "" }, each)) };
  } catch {
    return null;
  }
}

/** The fields of `shape`, each with the value that was pasted if it has the same type. */
function like<Fields extends object>(shape: Fields, pasted: Partial<Fields> | null | undefined): Fields {
  const result = { ...shape };
  for (const name in shape) {
    const value = pasted?.[name];
    if (value !== undefined && value !== null && typeof value === typeof shape[name]) result[name] = value;
  }
  return result;
}
