// Nodes as text for the clipboard, so that they can also be pasted into another workflow.

import { isObject } from "@/data/json";
import { decodeNodes, Undecodable } from "./decode";
import { connect, free, isTaken, type Draft } from "./model";

type Clip = ReturnType<typeof decodeNodes>;
type Pasted = { readonly draft: Draft; readonly uids: readonly string[] } | { readonly refusal: string };

const CLIP = "agent-studio/workflow-nodes";
const SHIFT = 48;

/** The nodes with the connections between them, as text for the clipboard. */
export function copy(draft: Draft, uids: readonly string[]): string {
  const nodes = draft.nodes.filter(({ uid }) => uids.includes(uid));
  const connections = draft.connections.filter(({ source, target }) => uids.includes(source) && uids.includes(target));
  return JSON.stringify({ [CLIP]: { nodes, connections } satisfies Clip }, null, 2);
}

/** Null if the text was not copied from a workflow. */
export function paste(draft: Draft, text: string): Pasted | null {
  const copied = copiedIn(text);
  if (copied === null) return null;
  try {
    return insert(draft, decodeNodes(copied));
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    return { refusal: "The nodes in the clipboard have values that this page does not know, so they cannot be pasted." };
  }
}

function insert(draft: Draft, clip: Clip): Pasted | null {
  if (!clip.nodes.length) return null;
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
  return { draft: result, uids: [...names.values()] };
}

function copiedIn(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? (value[CLIP] ?? null) : null;
  } catch {
    return null;
  }
}
