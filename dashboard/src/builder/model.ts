// The draft of a workflow while it is edited: plain values, and the changes as functions from one draft to the next.

import type {
  BuilderWorkflowFragment,
  ConnectionInput,
  NodeInput,
  NodeTransferInput,
  UpdateWorkflowInput,
  WorkflowAnsweringInput,
  WorkflowInput,
} from "@/gql/builder";
import { placed, type Point } from "./layout";

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

// ---- from and to the API ---------------------------------------------------------------------

/** The stored draft. Nodes keep the `uid` and the position that they have in `known`. */
export function readWorkflow(workflow: BuilderWorkflowFragment, known?: Draft): Saved {
  const { graph, recording, answering } = workflow;
  const uids = new Set<string>();
  const unplaced = graph.nodes.map(({ key, agentName, isEntry, isExit, skipCondition, onEntry, transfer, position }) => {
    const before = known?.nodes.find(({ id, uid }) => id === key && !uids.has(uid));
    const uid = before?.uid ?? free(key, (name) => uids.has(name) || !!known?.nodes.some((node) => node.uid === name && node.id !== key));
    uids.add(uid);
    return {
      uid,
      id: key,
      agent: agentName,
      isEntry,
      isExit,
      skipCondition: skipCondition ?? "",
      onEntry,
      transfer: transfer ? withoutNulls(NO_TRANSFER, transfer) : NO_TRANSFER,
      position: position ? { x: position.x, y: position.y } : (before?.position ?? null),
    };
  });
  const uidOf = (id: string) => unplaced.find((node) => node.id === id)?.uid ?? id;
  const connections = graph.connections.reduce<readonly DraftConnection[]>((all, connection) => {
    const [source, target] = [uidOf(connection.source), uidOf(connection.target)];
    const uid = free(`${source}->${target}`, (name) => all.some((other) => other.uid === name));
    return [...all, { ...withoutNulls(NEW_CONNECTION, connection), uid, source, target }];
  }, []);
  const draft: Draft = {
    slug: workflow.slug,
    name: workflow.name === workflow.slug ? "" : workflow.name,
    description: workflow.description ?? "",
    sharedContext: graph.sharedContext,
    isRecorded: recording.enabled,
    announcement: recording.announcement ?? "",
    answering: withoutNulls(ANSWERING, answering),
    nodes: placed(unplaced, connections),
    connections,
  };
  return { revision: workflow.revision, updatedAt: workflow.updatedAt, draft };
}

const ANSWERING: Answering = {
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

type WithNulls<Fields> = { readonly [Name in keyof Fields]: Fields[Name] | null };

/** The fields of `empty` with the values of `given`; null becomes the empty value. */
function withoutNulls<Fields extends object>(empty: Fields, given: WithNulls<Fields>): Fields {
  const result = { ...empty };
  for (const name in empty) result[name] = given[name] ?? empty[name];
  return result;
}

const orNull = (text: string) => text.trim() || null;

/** The draft without the positions of its nodes, which change nothing in calls. */
export function configOf(draft: Draft): WorkflowInput {
  const { slug, name, description, sharedContext, isRecorded, announcement, answering, connections } = draft;
  return {
    slug,
    name: orNull(name),
    description: orNull(description),
    nodes: draft.nodes.map(nodeInput),
    connections: connections.map((connection) => connectionInput(draft, connection)),
    sharedContext: [...sharedContext],
    recording: { enabled: isRecorded, announcement: orNull(announcement) },
    answering: {
      ...answering,
      message: orNull(answering.message),
      introduction: orNull(answering.introduction),
      goal: orNull(answering.goal),
    },
  };
}

function nodeInput(node: DraftNode): NodeInput {
  const { id, agent, isEntry, isExit, skipCondition, onEntry, transfer } = node;
  return {
    id,
    agent,
    isEntry,
    isExit,
    skipCondition: orNull(skipCondition),
    onEntry,
    transfer:
      onEntry === "TRANSFER_CALL"
        ? {
            number: transfer.number,
            mode: transfer.mode,
            trunk: orNull(transfer.trunk),
            extension: orNull(transfer.extension),
            brief: orNull(transfer.brief),
            ringingTimeout: orNull(transfer.ringingTimeout),
            announcement: orNull(transfer.announcement),
          }
        : null,
  };
}

function connectionInput(draft: Draft, { uid, condition, contextPassed, ...connection }: DraftConnection): ConnectionInput {
  return {
    ...connection,
    source: idOf(draft, connection.source),
    target: idOf(draft, connection.target),
    condition: orNull(condition),
    contextPassed: [...contextPassed],
  };
}

/** The fields that differ from the stored draft. */
export function changesOf(before: Draft, now: Draft): Omit<UpdateWorkflowInput, "id" | "expectedRevision"> {
  const [old, config] = [withPositions(before), withPositions(now)];
  const isChanged = (name: keyof WorkflowInput) => !isEqual(old[name], config[name]);
  return {
    ...(isChanged("slug") && { slug: config.slug }),
    ...(isChanged("name") && { name: config.name }),
    ...(isChanged("description") && { description: config.description }),
    ...(isChanged("nodes") && { nodes: config.nodes }),
    ...(isChanged("connections") && { connections: config.connections }),
    ...(isChanged("sharedContext") && { sharedContext: config.sharedContext }),
    ...(isChanged("recording") && { recording: config.recording }),
    ...(isChanged("answering") && { answering: config.answering }),
  };
}

function withPositions(draft: Draft) {
  return { ...configOf(draft), nodes: draft.nodes.map((node) => ({ ...nodeInput(node), position: node.position })) };
}

export const isEqual = (a: unknown, b: unknown) => a === b || JSON.stringify(a) === JSON.stringify(b);
export const isSame = (a: Draft, b: Draft) => a === b || Object.keys(changesOf(a, b)).length === 0;

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
  return { ...draft, nodes: draft.nodes.map((node) => ({ ...node, position: positions.get(node.uid) ?? node.position })) };
}

/** The name, or the first of `name_2`, `name_3` … that is not taken. */
function free(name: string, isTaken: (name: string) => boolean): string {
  for (let number = 2, tried = name; ; number++) {
    if (!isTaken(tried)) return tried;
    tried = `${name}_${number}`;
  }
}

const isTaken = (draft: Draft) => (name: string) => draft.nodes.some(({ id, uid }) => id === name || uid === name);
const identifierOf = (agent: string) => agent.replaceAll("-", "_");

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

// ---- copy and paste --------------------------------------------------------------------------

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
