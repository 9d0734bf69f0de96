// What the differences between two versions mean, in sentences, by the node, connection, agent or tool that they concern.

import { isObject } from "@/data/json";
import type { DiffChangeFragment } from "@/gql/versions";
import type { IconName } from "@/ui/icons";
import { linesOf, type Line } from "./line-diff";

export interface Section {
  readonly key: string;
  readonly title: string;
  readonly icon: IconName;
  readonly items: readonly Item[];
}

export interface Item {
  readonly key: string;
  readonly sentence: string;
  /** A long text, line by line; null for other values. */
  readonly lines: readonly Line[] | null;
  readonly before: string | null;
  readonly after: string | null;
}

/** What the fields are called in sentences, by their path within the object. */
const LABELS: Readonly<Record<string, string>> = {
  slug: "slug",
  name: "display name",
  displayName: "display name",
  description: "description",
  nodes: "nodes",
  connections: "connections",
  agent: "agent",
  skipCondition: "skip condition",
  onEntry: "action on entry",
  condition: "condition",
  priority: "priority",
  contextPolicy: "context policy",
  lastN: "number of turns that are passed on",
  mayRepeat: "number of times that a call may take it",
  "prompt.system": "prompt",
  "prompt.greeting": "greeting",
  "llm.provider": "provider of the model",
  "llm.model": "model",
  "stt.provider": "provider of speech to text",
  "stt.model": "model of speech to text",
  "tts.provider": "provider of text to speech",
  "tts.model": "model of text to speech",
  "recording.announcement": "announcement of the recording",
  "transfer.number": "number of the transfer",
  parameters: "parameter schema",
};

/** Items of lists that are names. */
const ITEMS: Readonly<Record<string, string>> = {
  tools: "tool",
  languages: "language",
  sharedContext: "shared key",
  contextPassed: "passed key",
};

/** What it means that a field is true, and that it is false. */
const SWITCHES: Readonly<Record<string, readonly [string, string]>> = {
  isEntry: ["Calls start here.", "Calls no longer start here."],
  isExit: ["The agent may end the call here.", "The agent may no longer end the call here."],
  isDefault: ["It is the default connection.", "It is no longer the default connection."],
  "prompt.interruptibleGreeting": ["The caller can interrupt the greeting.", "The caller can no longer interrupt the greeting."],
  "recording.enabled": ["Voice calls are recorded.", "Voice calls are no longer recorded."],
  "answering.enabled": ["The agent listens who answers before it greets.", "The agent greets as soon as the phone is answered."],
  confirm: ["The agent asks the caller before it runs the tool.", "The agent no longer asks the caller before it runs the tool."],
};

type Place = Omit<Section, "items"> & { readonly rest: readonly string[] };

function placeOf([root = "", ...path]: readonly string[]): Place {
  const [list = "", name] = path;
  if (root === "workflow" && name !== undefined && list === "nodes") {
    return { key: `nodes ${name}`, title: `Node ${name}`, icon: "workflow", rest: path.slice(2) };
  }
  if (root === "workflow" && name !== undefined && list === "connections") {
    return { key: `connections ${name}`, title: `Connection from ${name.replace("->", " to ")}`, icon: "right", rest: path.slice(2) };
  }
  if (root === "agents") return { key: `agents ${list}`, title: `Agent ${list}`, icon: "agents", rest: path.slice(1) };
  if (root === "tools") return { key: `tools ${list}`, title: `Tool ${list}`, icon: "tool", rest: path.slice(1) };
  return { key: root, title: "Workflow", icon: "info", rest: path };
}

/** The workflow itself first, then in the order of the API: nodes, connections, agents, tools. */
export function sectionsOf(changes: readonly DiffChangeFragment[]): readonly Section[] {
  const sections = new Map<string, { readonly place: Place; readonly items: Map<string, Item> }>();
  for (const change of changes) {
    const place = placeOf(change.path);
    const section = sections.get(place.key) ?? { place, items: new Map<string, Item>() };
    sections.set(place.key, section);
    const item = itemOf(change, place);
    section.items.set(item.key, item);
  }
  return [...sections.values()]
    .map(({ place: { key, title, icon }, items }) => ({ key, title, icon, items: [...items.values()] }))
    .sort((a, b) => Number(b.key === "workflow") - Number(a.key === "workflow"));
}

const NO_VALUES = { lines: null, before: null, after: null };

function itemOf(change: DiffChangeFragment, { key: section, rest }: Place): Item {
  const key = rest.join(".");
  if (!rest.length) return wholeOf(change, section.split(" ")[0] ?? "");
  // Its two coordinates are one move.
  if (rest[0] === "position") return { key: "position", sentence: "The node was moved on the canvas.", ...NO_VALUES };
  const meaning = SWITCHES[key];
  if (meaning && change.kind === "CHANGED") return { key, sentence: change.after ? meaning[0] : meaning[1], ...NO_VALUES };
  const [list = "", name = ""] = rest;
  const item = rest.length === 2 && ITEMS[list];
  if (item && change.kind !== "CHANGED") {
    return { key, sentence: `The ${item} ${name} was ${change.kind === "ADDED" ? "added" : "removed"}.`, ...NO_VALUES };
  }
  const lines = linesOf(change.text);
  const values = lines ? NO_VALUES : { lines: null, before: textOf(change.before), after: textOf(change.after) };
  return { key, sentence: sentenceOf(change, rest), ...values, lines };
}

const isNothing = (value: unknown) => value === null || value === undefined || value === "";

function sentenceOf({ kind, before, after }: DiffChangeFragment, rest: readonly string[]): string {
  const label = LABELS[rest.join(".")];
  const subject = label ? `The ${label}` : `“${pathOf(rest)}”`;
  if (kind === "ADDED" || isNothing(before)) return `${subject} was added.`;
  if (kind === "REMOVED" || isNothing(after)) return `${subject} was removed.`;
  const isList = Array.isArray(before) && Array.isArray(after);
  return isList ? `The order of ${label ? `the ${label}` : subject} changed.` : `${subject} changed.`;
}

const wordsOf = (part: string) => part.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();

/** `session › silence 1 › delay`: items of a list are counted from 1. */
const pathOf = (parts: readonly string[]) =>
  parts
    .map((part) => (/^\d+$/.test(part) ? ` ${Number(part) + 1}` : ` › ${wordsOf(part)}`))
    .join("")
    .slice(3)
    .replace(/s (\d+)/g, " $1");

const NOUNS: Readonly<Record<string, string>> = { nodes: "node", connections: "connection", agents: "agent", tools: "tool" };

/** A node, a connection, an agent or a tool that exists on one side only. */
function wholeOf({ kind, before, after }: DiffChangeFragment, list: string): Item {
  const value = kind === "ADDED" ? after : before;
  const field = (name: string) => (isObject(value) && typeof value[name] === "string" ? value[name] : "");
  const [condition, description] = [field("condition"), field("description")];
  const details: Readonly<Record<string, string>> = {
    nodes: `, with the agent ${field("agent")}.`,
    connections: condition ? `, with the condition ${condition}.` : description && `: “${description}”`,
  };
  const sentence = `The ${NOUNS[list] ?? list} was ${kind === "ADDED" ? "added" : "removed"}${details[list] || "."}`;
  return { key: "", sentence, lines: null, before: textOf(before), after: textOf(after) };
}

const textOf = (value: unknown): string | null =>
  isNothing(value) ? null : typeof value === "string" ? value : JSON.stringify(value, null, 2);
