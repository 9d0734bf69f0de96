// The draft of a workflow while it is edited: plain values, and the changes as functions from one draft to the next.

import type { ConnectionInput, NodeInput, NodeTransferInput, WorkflowAnsweringInput } from "@/gql/builder";
import { NODE_SIZE, type Point } from "./layout";

export type EntryAction = NonNullable<NodeInput["onEntry"]>;
export type ContextPolicy = NonNullable<ConnectionInput["contextPolicy"]>;
type Given<Fields> = { readonly [Name in keyof Fields]-?: NonNullable<Fields[Name]> };

/** Empty texts stand for null, so that fields of forms can show them. */
export type Transfer = Given<Omit<NodeTransferInput, "ringingTimeout">> & { readonly ringingTimeout: string };
export type Answering = Given<WorkflowAnsweringInput>;

export interface DraftNode {
  /** Stays the same when the node is renamed. */
  readonly uid: string;
  readonly id: string;
  readonly agent: string;
  readonly isEntry: boolean;
  readonly isExit: boolean;
  readonly skipCondition: string;
  readonly onEntry: EntryAction;
  readonly transfer: Transfer;
  readonly position: Point;
}

export interface DraftConnection {
  readonly uid: string;
  /** The `uid` of a node, or the id of a node that does not exist. */
  readonly source: string;
  readonly target: string;
  readonly description: string;
  readonly condition: string;
  readonly priority: number;
  readonly isDefault: boolean;
  readonly mayRepeat: number;
  readonly contextPolicy: ContextPolicy;
  readonly lastN: number;
  readonly contextPassed: readonly string[];
}

export interface Draft {
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly sharedContext: readonly string[];
  readonly isRecorded: boolean;
  readonly announcement: string;
  readonly answering: Answering;
  readonly nodes: readonly DraftNode[];
  readonly connections: readonly DraftConnection[];
}

/** A draft as it is stored. */
export interface Saved {
  readonly revision: number;
  readonly updatedAt: string;
  readonly draft: Draft;
}

export const NO_TRANSFER: Transfer = {
  number: "",
  mode: "COLD",
  trunk: "",
  extension: "",
  brief: "",
  ringingTimeout: "",
  announcement: "",
};

export const NEW_NODE: Omit<DraftNode, "uid" | "id" | "agent" | "position"> = {
  isEntry: false,
  isExit: false,
  skipCondition: "",
  onEntry: "CONVERSE",
  transfer: NO_TRANSFER,
};

export const NEW_CONNECTION: Omit<DraftConnection, "uid" | "source" | "target"> = {
  description: "",
  condition: "",
  priority: 0,
  isDefault: false,
  mayRepeat: 1,
  contextPolicy: "FULL",
  lastN: 10,
  contextPassed: [],
};

export const ANSWERING: Answering = {
  enabled: true,
  voicemail: "TALK",
  message: "",
  screener: "TALK",
  introduction: "",
  ivr: "TALK",
  goal: "",
  askModel: true,
  silenceTimeout: "PT2.5S",
  toneTimeout: "PT30S",
  screeningTimeout: "PT30S",
};

// ---- questions -------------------------------------------------------------------------------

export const nodeOf = (draft: Draft, uid: string) => draft.nodes.find((node) => node.uid === uid);
export const connectionOf = (draft: Draft, uid: string) => draft.connections.find((connection) => connection.uid === uid);
/** The name of a node for people and for the API. */
export const idOf = (draft: Draft, uid: string) => nodeOf(draft, uid)?.id ?? uid;
export const nameOf = (draft: Draft, { source, target }: DraftConnection) => `${idOf(draft, source)} → ${idOf(draft, target)}`;
/** Connections that cannot be drawn, because one of their nodes does not exist. */
export const looseConnections = (draft: Draft) =>
  draft.connections.filter(({ source, target }) => !nodeOf(draft, source) || !nodeOf(draft, target));

export interface Selection {
  readonly nodes: readonly string[];
  readonly connections: readonly string[];
}

export const NOTHING: Selection = { nodes: [], connections: [] };
export const isNothing = ({ nodes, connections }: Selection) => nodes.length + connections.length === 0;
export const oneNode = (uid: string): Selection => ({ nodes: [uid], connections: [] });
export const oneConnection = (uid: string): Selection => ({ nodes: [], connections: [uid] });

/** What of the selection the draft still has. */
export function existing(draft: Draft, { nodes, connections }: Selection): Selection {
  return { nodes: nodes.filter((uid) => nodeOf(draft, uid)), connections: connections.filter((uid) => connectionOf(draft, uid)) };
}

// ---- changes ---------------------------------------------------------------------------------

export function editNode(draft: Draft, uid: string, changes: Partial<Omit<DraftNode, "uid">>): Draft {
  return { ...draft, nodes: draft.nodes.map((node) => (node.uid === uid ? { ...node, ...changes } : node)) };
}

export function editConnection(draft: Draft, uid: string, changes: Partial<Omit<DraftConnection, "uid" | "source" | "target">>): Draft {
  return { ...draft, connections: draft.connections.map((each) => (each.uid === uid ? { ...each, ...changes } : each)) };
}

/** A call starts at one node, so the others are no longer the entry. */
export function makeEntry(draft: Draft, uid: string, isEntry: boolean): Draft {
  return { ...draft, nodes: draft.nodes.map((node) => ({ ...node, isEntry: node.uid === uid ? isEntry : node.isEntry && !isEntry })) };
}

export function move(draft: Draft, positions: ReadonlyMap<string, Point>): Draft {
  const isMoved = draft.nodes.some(({ uid, position: { x, y } }) => {
    const to = positions.get(uid);
    return to && (to.x !== x || to.y !== y);
  });
  return isMoved
    ? { ...draft, nodes: draft.nodes.map((node) => ({ ...node, position: positions.get(node.uid) ?? node.position })) }
    : draft;
}

/** The name, or the first of `name_2`, `name_3` … that is not taken. */
export function free(name: string, isTaken: (name: string) => boolean): string {
  for (let number = 2, tried = name; ; number++) {
    if (!isTaken(tried)) return tried;
    tried = `${name}_${number}`;
  }
}

export const isTaken = (draft: Draft) => (name: string) => draft.nodes.some(({ id, uid }) => id === name || uid === name);
const identifierOf = (agent: string) => agent.replaceAll("-", "_");

const SPACE = 24;

/** The point, or the next one below at which a node covers no other one. */
export function freePlace(draft: Draft, point: Point): Point {
  const isCovered = draft.nodes.some(
    ({ position: { x, y } }) => Math.abs(x - point.x) < NODE_SIZE.width + SPACE && Math.abs(y - point.y) < NODE_SIZE.height + SPACE,
  );
  return isCovered ? freePlace(draft, { x: point.x, y: point.y + NODE_SIZE.height + SPACE }) : point;
}

/** A node for the agent; the first one of a workflow is its entry. */
export function addNode(draft: Draft, agent: string, position: Point): readonly [Draft, uid: string] {
  const id = free(identifierOf(agent), isTaken(draft));
  const node: DraftNode = { ...NEW_NODE, uid: id, id, agent, position, isEntry: draft.nodes.length === 0 };
  return [{ ...draft, nodes: [...draft.nodes, node] }, id];
}

/** Why two nodes cannot be connected; empty if they can. */
export function refusalOf(draft: Draft, source: string, target: string): string {
  if (source === target) return "A node cannot hand off to itself.";
  if (draft.connections.some((each) => each.source === source && each.target === target)) return "These nodes are connected already.";
  return "";
}

export function connect(draft: Draft, source: string, target: string, details = NEW_CONNECTION): readonly [Draft, uid: string] {
  const uid = free(`${source}->${target}`, (name) => draft.connections.some((each) => each.uid === name));
  if (refusalOf(draft, source, target)) return [draft, uid];
  return [{ ...draft, connections: [...draft.connections, { ...details, uid, source, target }] }, uid];
}

/** Removes nodes with their connections, and connections. */
export function remove(draft: Draft, { nodes, connections }: Selection): Draft {
  const isGone = ({ uid, source, target }: DraftConnection) =>
    connections.includes(uid) || nodes.includes(source) || nodes.includes(target);
  return {
    ...draft,
    nodes: draft.nodes.filter(({ uid }) => !nodes.includes(uid)),
    connections: draft.connections.filter((connection) => !isGone(connection)),
  };
}

/** Moves a connection before or behind its neighbour of the same source: of equal priorities, the first is taken. */
export function reorder(draft: Draft, uid: string, step: -1 | 1): Draft {
  const connection = connectionOf(draft, uid);
  const siblings = draft.connections.filter(({ source }) => source === connection?.source);
  const other = siblings[siblings.findIndex((each) => each.uid === uid) + step];
  if (!connection || !other) return draft;
  const swapped = new Map([
    [connection.uid, other],
    [other.uid, connection],
  ]);
  return { ...draft, connections: draft.connections.map((each) => swapped.get(each.uid) ?? each) };
}
