// Drafts from the clipboard and from the storage of the browser, which may hold anything.

import { isObject } from "@/data/json";
import type { Step } from "./history";
import {
  ANSWERING,
  NEW_CONNECTION,
  NEW_NODE,
  NO_TRANSFER,
  type Answering,
  type Draft,
  type DraftConnection,
  type DraftNode,
  type Saved,
  type Transfer,
} from "./model";
import { CONTEXT_POLICIES, ENTRY_ACTIONS, IVR, SCREENER, TRANSFER_MODES, VOICEMAIL } from "./words";

/** Gives back the value if it is of the type, and throws an `Undecodable` otherwise. */
type Decode<Value> = (value: unknown) => Value;

export class Undecodable extends Error {}

function refuse(): never {
  throw new Undecodable();
}

const text: Decode<string> = (value) => (typeof value === "string" ? value : refuse());
const filled: Decode<string> = (value) => text(value) || refuse();
const flag: Decode<boolean> = (value) => (typeof value === "boolean" ? value : refuse());
const number: Decode<number> = (value) => (typeof value === "number" && Number.isFinite(value) ? value : refuse());
const moment: Decode<string> = (value) => (Number.isNaN(Date.parse(text(value))) ? refuse() : text(value));

const isNameOf = <Name extends string>(names: Readonly<Record<Name, unknown>>, value: unknown): value is Name =>
  typeof value === "string" && Object.hasOwn(names, value);

const oneOf =
  <Name extends string>(names: Readonly<Record<Name, unknown>>): Decode<Name> =>
  (value) => (isNameOf(names, value) ? value : refuse());

const listOf =
  <Item>(item: Decode<Item>): Decode<readonly Item[]> =>
  (value) => (Array.isArray(value) ? value.map((each: unknown) => item(each)) : refuse());

/** An object with these fields; one that is missing has the value of `defaults`, as an older page did not know it. */
function fields<Fields extends object>(decoders: { readonly [Name in keyof Fields]: Decode<Fields[Name]> }, defaults: Partial<Fields> = {}): Decode<Fields> {
  return (value) => {
    const given: Readonly<Record<string, unknown>> = isObject(value) ? { ...defaults, ...value } : refuse();
    const names = Object.keys(decoders) as (keyof Fields & string)[];
    return Object.fromEntries(names.map((name) => [name, decoders[name](given[name])])) as unknown as Fields;
  };
}

const transfer = fields<Transfer>(
  { number: text, mode: oneOf(TRANSFER_MODES), trunk: text, extension: text, brief: text, ringingTimeout: text, announcement: text },
  NO_TRANSFER,
);

/** A draft can have a node whose id is cleared, while it is typed again. */
const nodeWith = (id: Decode<string>) =>
  fields<DraftNode>(
    {
      uid: filled,
      id,
      agent: text,
      isEntry: flag,
      isExit: flag,
      skipCondition: text,
      onEntry: oneOf(ENTRY_ACTIONS),
      transfer,
      position: fields({ x: number, y: number }),
    },
    NEW_NODE,
  );

const connection = fields<DraftConnection>(
  {
    uid: filled,
    source: text,
    target: text,
    description: text,
    condition: text,
    priority: number,
    isDefault: flag,
    mayRepeat: number,
    contextPolicy: oneOf(CONTEXT_POLICIES),
    lastN: number,
    contextPassed: listOf(text),
  },
  NEW_CONNECTION,
);

const answering = fields<Answering>(
  {
    enabled: flag,
    voicemail: oneOf(VOICEMAIL),
    message: text,
    screener: oneOf(SCREENER),
    introduction: text,
    ivr: oneOf(IVR),
    goal: text,
    askModel: flag,
    silenceTimeout: text,
    toneTimeout: text,
    screeningTimeout: text,
  },
  ANSWERING,
);

const draft = fields<Draft>({
  slug: text,
  name: text,
  description: text,
  sharedContext: listOf(text),
  isRecorded: flag,
  announcement: text,
  answering,
  nodes: listOf(nodeWith(text)),
  connections: listOf(connection),
});

export const decodeNodes = fields({ nodes: listOf(nodeWith(filled)), connections: listOf(connection) });
export const decodeStep = fields<Step>({ base: fields<Saved>({ revision: number, updatedAt: moment, draft }), draft });
