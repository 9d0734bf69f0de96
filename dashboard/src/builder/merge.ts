// Three-way merge: what two people have made of one stored draft, compared by node and connection.

import { isEqual } from "./equality";
import { idOf, nameOf, type Draft, type DraftConnection, type DraftNode } from "./model";

export type Side = "mine" | "theirs";

/** One node, connection or field of the workflow that at least one side has changed. */
export interface Difference {
  readonly key: string;
  readonly title: string;
  /** Sentences; empty if this side has not changed it. */
  readonly mine: readonly string[];
  readonly theirs: readonly string[];
  /** Both sides have changed the same thing differently, so a person has to choose. */
  readonly isConflict: boolean;
}

type Item = DraftNode | DraftConnection | Readonly<Record<string, unknown>>;
type Items = ReadonlyMap<string, Item>;
type Merged = { readonly item: Item | undefined; readonly isConflict: boolean };

const WORKFLOW_FIELDS = ["slug", "name", "description", "sharedContext", "isRecorded", "announcement", "answering"] as const;
const IDENTITY = new Set(["uid", "source", "target"]);

const LABELS: Record<string, string> = {
  id: "Id",
  agent: "Agent",
  isEntry: "Entry",
  isExit: "Exit",
  skipCondition: "Skip condition",
  onEntry: "On entry",
  transfer: "Transfer",
  description: "Description",
  condition: "Condition",
  priority: "Priority",
  isDefault: "Default connection",
  mayRepeat: "Times a call may take it",
  contextPolicy: "Context policy",
  lastN: "Turns passed on",
  contextPassed: "Keys passed on",
  slug: "Slug",
  name: "Name",
  sharedContext: "Shared context",
  isRecorded: "Recording",
  announcement: "Announcement",
  answering: "Answering machines",
};

function itemsOf(draft: Draft): Items {
  return new Map<string, Item>([
    ...WORKFLOW_FIELDS.map((name) => [`workflow ${name}`, { [name]: draft[name] }] as const),
    ...draft.nodes.map((node) => [`node ${node.uid}`, node] as const),
    ...draft.connections.map((connection) => [`connection ${connection.uid}`, connection] as const),
  ]);
}

const keysOf = (...all: readonly Items[]) => [...new Set(all.flatMap((items) => [...items.keys()]))];
const fieldsOf = (item: Item): ReadonlyMap<string, unknown> => new Map(Object.entries(item));

/** What both sides have changed, with the fields of an item joined as long as they are different ones. */
function mergeItem(base: Item | undefined, mine: Item | undefined, theirs: Item | undefined, prefer: Side): Merged {
  if (isEqual(mine, theirs) || isEqual(theirs, base)) return { item: mine, isConflict: false };
  if (isEqual(mine, base)) return { item: theirs, isConflict: false };
  const preferred = prefer === "mine" ? mine : theirs;
  if (!base) return { item: preferred, isConflict: !isUnmoved(mine, theirs) };
  // What one side has only moved, the other side may delete.
  if (!mine || !theirs)
    return isUnmoved(mine ?? theirs, base) ? { item: undefined, isConflict: false } : { item: preferred, isConflict: true };
  const [before, ours, others] = [fieldsOf(base), fieldsOf(mine), fieldsOf(theirs)];
  const changedBy = (side: ReadonlyMap<string, unknown>) => [...side.keys()].filter((name) => !isEqual(side.get(name), before.get(name)));
  const clashes = changedBy(ours).filter(
    (name) => name !== "position" && changedBy(others).includes(name) && !isEqual(ours.get(name), others.get(name)),
  );
  // The preferred side wins in each field that it has changed.
  const [first, second] = prefer === "mine" ? [theirs, ours] : [mine, others];
  const item = { ...first, ...Object.fromEntries(changedBy(second).map((name) => [name, second.get(name)])) };
  return { item, isConflict: clashes.length > 0 };
}

const isUnmoved = (a: Item | undefined, b: Item | undefined) => isEqual({ ...a, position: null }, { ...b, position: null });

/** A side that deletes a node clashes with one that connects it. */
function isNewlyConnected(key: string, base: Draft, side: Draft): boolean {
  const known = itemsOf(base);
  return side.connections.some(
    (connection) =>
      [connection.source, connection.target].some((uid) => key === `node ${uid}`) &&
      !isEqual(connection, known.get(`connection ${connection.uid}`)),
  );
}

function mergeKey(key: string, base: Draft, mine: Draft, theirs: Draft, items: readonly [Items, Items, Items], prefer: Side): Merged {
  const [before, ours, others] = items.map((each) => each.get(key));
  const merged = mergeItem(before, ours, others, prefer);
  if (!before || merged.isConflict || !key.startsWith("node ")) return merged;
  const isClash = (!ours && others && isNewlyConnected(key, base, theirs)) || (!others && ours && isNewlyConnected(key, base, mine));
  return isClash ? { item: prefer === "mine" ? ours : others, isConflict: true } : merged;
}

export function compare(base: Draft, mine: Draft, theirs: Draft): readonly Difference[] {
  const items = [itemsOf(base), itemsOf(mine), itemsOf(theirs)] as const;
  return keysOf(...items).flatMap((key) => {
    const [before, ours, others] = items.map((each) => each.get(key));
    const difference: Difference = {
      key,
      title: titleOf(key, mine, theirs, base),
      mine: sentences(before, ours),
      theirs: sentences(before, others),
      isConflict: mergeKey(key, base, mine, theirs, items, "mine").isConflict,
    };
    return difference.mine.length || difference.theirs.length ? difference : [];
  });
}

/** Joins both sides. `choices` says whose version of a conflict is kept; mine where it says nothing. */
export function merge(base: Draft, mine: Draft, theirs: Draft, choices: ReadonlyMap<string, Side>): Draft {
  const items = [itemsOf(base), itemsOf(mine), itemsOf(theirs)] as const;
  const kept = (key: string) => mergeKey(key, base, mine, theirs, items, choices.get(key) ?? "mine").item;
  const fields = Object.assign({}, ...WORKFLOW_FIELDS.map((name) => kept(`workflow ${name}`))) as Pick<
    Draft,
    (typeof WORKFLOW_FIELDS)[number]
  >;
  const nodes = order(base.nodes, mine.nodes, theirs.nodes).flatMap((uid) => (kept(`node ${uid}`) as DraftNode | undefined) ?? []);
  const has = (draft: Pick<Draft, "nodes">, uid: string) => draft.nodes.some((node) => node.uid === uid);
  // A node that was deleted takes its connections with it, and brings them back if it is kept after all.
  const isGone = (uid: string) => [base, mine, theirs].some((draft) => has(draft, uid)) && !has({ nodes }, uid);
  const wasTaken = ({ uid, source, target }: DraftConnection) =>
    [mine, theirs].some(
      (draft) =>
        !draft.connections.some((each) => each.uid === uid) && [source, target].some((end) => has({ nodes }, end) && !has(draft, end)),
    );
  const connections = order(base.connections, mine.connections, theirs.connections).flatMap((uid) => {
    const connection = kept(`connection ${uid}`) as DraftConnection | undefined;
    const other = [...mine.connections, ...theirs.connections].find((each) => each.uid === uid);
    return connection ?? (other && wasTaken(other) ? other : []);
  });
  return { ...fields, nodes, connections: connections.filter(({ source, target }) => !isGone(source) && !isGone(target)) };
}

interface Identified {
  readonly uid: string;
}

/** The order of the side that has changed it, mine if both have, followed by what only the other side has. */
function order(base: readonly Identified[], mine: readonly Identified[], theirs: readonly Identified[]): readonly string[] {
  const [before, ours, others] = [base, mine, theirs].map((all) => all.map(({ uid }) => uid)) as [string[], string[], string[]];
  const common = (uids: readonly string[]) => uids.filter((uid) => before.includes(uid) && ours.includes(uid));
  const [first, second] = isEqual(common(ours), common(before)) ? [others, ours] : [ours, others];
  return [...first, ...second.filter((uid) => !first.includes(uid))];
}

function titleOf(key: string, ...drafts: readonly Draft[]): string {
  const [kind, uid = ""] = [key.slice(0, key.indexOf(" ")), key.slice(key.indexOf(" ") + 1)];
  if (kind === "workflow") return LABELS[uid] ?? uid;
  for (const draft of drafts) {
    const connection = draft.connections.find((each) => each.uid === uid);
    if (kind === "connection" && connection) return `Connection ${nameOf(draft, connection)}`;
    if (kind === "node" && draft.nodes.some((node) => node.uid === uid)) return `Node ${idOf(draft, uid)}`;
  }
  return uid;
}

function sentences(before: Item | undefined, after: Item | undefined): readonly string[] {
  if (!before) return after ? ["Added"] : [];
  if (!after) return ["Deleted"];
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...now.keys()].flatMap((name) => {
    if (IDENTITY.has(name) || isEqual(old.get(name), now.get(name))) return [];
    if (name === "position") return ["Moved"];
    return [`${LABELS[name] ?? name}: ${shown(old.get(name))} → ${shown(now.get(name))}`];
  });
}

const MAX_SHOWN = 80;

function shown(value: unknown): string {
  if (value === true) return "yes";
  if (value === false) return "no";
  if (value === "" || (Array.isArray(value) && !value.length)) return "none";
  const text = Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
