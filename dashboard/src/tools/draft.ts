// The form of a tool as a value: how it is read from the API, and what of it has to be sent.

import { isObject, type JsonObject } from "@/data/json";
import type { CreateToolInput, ToolActionInput, ToolFormFragment, UpdateToolInput } from "@/gql/tool";
import { durationOf, secondsOf } from "@/data/format";
import type { Problems } from "@/data/problem";
import { BadValue, CODECS, isAnyValue, newRow, type FormValue } from "./codecs";
import { parsedObject, pretty } from "./json";
import { isStepKind, kindOf, type StepField, type StepKind } from "./step-kinds";

export type Values = Readonly<Record<string, FormValue>>;

export interface Step {
  /** Known to this form alone: a step keeps it while others are moved. */
  readonly id: string;
  readonly kind: StepKind;
  readonly values: Values;
  /** The branches of a conditional; empty for others. */
  readonly then: readonly Step[];
  readonly otherwise: readonly Step[];
}

export const CHAINS = ["actions", "onSuccess", "onFailure"] as const;
export type ChainName = (typeof CHAINS)[number];
export const BRANCHES = ["then", "otherwise"] as const;

export interface Draft {
  readonly name: string;
  readonly description: string;
  /** JSON Schema. The form of the parameters edits the same text. */
  readonly parameters: string;
  readonly actions: readonly Step[];
  readonly onSuccess: readonly Step[];
  readonly onFailure: readonly Step[];
  /** In seconds. */
  readonly timeLimit: string;
  readonly confirm: boolean;
}

export const NO_PARAMETERS: JsonObject = { type: "object", properties: {}, additionalProperties: false };

export const NEW: Draft = {
  name: "",
  description: "",
  parameters: pretty(NO_PARAMETERS),
  actions: [],
  onSuccess: [],
  onFailure: [],
  timeLimit: "30",
  confirm: false,
};

const STEP = "step-";
let lastStep = 0;
const nextId = () => `${STEP}${++lastStep}`;

function valuesOf(kind: StepKind, json: JsonObject): Values {
  const values = kindOf(kind).fields.map(({ name, control, ...field }) => [
    name,
    CODECS[control].read(name in json ? json[name] : field.default),
  ]);
  return Object.fromEntries(values);
}

export const newStep = (kind: StepKind): Step => ({
  id: nextId(),
  kind,
  values: { ...valuesOf(kind, {}), ...BEGINNINGS[kind]?.() },
  then: [],
  otherwise: [],
});

/** What a new step begins with, where that is not empty. */
const BEGINNINGS: Partial<Record<StepKind, () => Values>> = {
  apiCall: () => ({ body: { isJson: true, text: "" } }),
  validate: () => ({ rules: [newRow()] }),
  transform: () => ({ operation: "APPEND" }),
};

/** The same step once more, with the steps inside of it. */
export const copyOf = (step: Step): Step => ({ ...step, id: nextId(), then: step.then.map(copyOf), otherwise: step.otherwise.map(copyOf) });

function stepsOf(json: unknown): readonly Step[] {
  if (!Array.isArray(json)) return [];
  return json.filter(isObject).flatMap((action) => {
    const [kind = ""] = Object.keys(action);
    if (!isStepKind(kind)) return [];
    const fields = action[kind];
    const object = isObject(fields) ? fields : {};
    return [{ id: nextId(), kind, values: valuesOf(kind, object), then: stepsOf(object.then), otherwise: stepsOf(object.otherwise) }];
  });
}

export function draftOf({ name, description, definition }: Pick<ToolFormFragment, "name" | "description" | "definition">): Draft {
  const json = isObject(definition) ? definition : {};
  return {
    name,
    description,
    parameters: pretty(json.parameters ?? NO_PARAMETERS),
    actions: stepsOf(json.actions),
    onSuccess: stepsOf(json.onSuccess),
    onFailure: stepsOf(json.onFailure),
    timeLimit: typeof json.timeLimit === "string" ? String(secondsOf(json.timeLimit)) : NEW.timeLimit,
    confirm: json.confirm === true,
  };
}

/** The definition has a kind of step that this page does not know, because the API is newer: saving would lose it. */
export function unknownKind(definition: unknown): string | undefined {
  const unknown = (json: unknown): string | undefined => {
    for (const action of Array.isArray(json) ? json.filter(isObject) : []) {
      const [kind = ""] = Object.keys(action);
      if (!isStepKind(kind)) return kind;
      const inside = isObject(action[kind]) ? action[kind] : {};
      const found = unknown(inside.then) ?? unknown(inside.otherwise);
      if (found) return found;
    }
    return undefined;
  };
  const json = isObject(definition) ? definition : {};
  return unknown(json.actions) ?? unknown(json.onSuccess) ?? unknown(json.onFailure);
}

/** Whether two values of drafts mean the same. */
export const isSame = (a: unknown, b: unknown) => JSON.stringify(a, meaning) === JSON.stringify(b, meaning);

/** Without the ids, which only the form has, and without rows and values in which nothing is written. */
function meaning(name: string, value: unknown): unknown {
  if (name === "id") return undefined;
  if (isObject(value) && value.text === "") return "";
  return Array.isArray(value) ? value.filter((row) => !isObject(row) || row.name !== "" || row.value !== "") : value;
}

// ---- problems -------------------------------------------------------------------------------

const isChain = (name: string): name is ChainName => CHAINS.some((each) => each === name);
const isBranch = (name: string | undefined): name is (typeof BRANCHES)[number] => BRANCHES.some((each) => each === name);

/** The path of a value in the form: `["input", "actions", "0", "respond", "message"]` is at the id of the step, `step-7.message`. */
export function pathIn(draft: Draft, path: readonly string[]): string {
  const [, first = "", ...rest] = path;
  const plain = [first, ...rest].join(".");
  if (!isChain(first)) return plain;
  let steps = draft[first];
  let [index, kind, ...inside] = rest;
  let step = steps[Number(index)];
  while (step && kind === "conditional" && isBranch(inside[0]) && inside.length > 1) {
    steps = step[inside[0]];
    [, index, kind, ...inside] = inside;
    step = steps[Number(index)];
  }
  return step ? [step.id, ...inside].join(".") : plain;
}

/** Whether a path leads to a step. */
export const isInStep = (path: string): boolean => path.startsWith(STEP);

// ---- what is sent ---------------------------------------------------------------------------

/** What of the form cannot be sent, by its path. */
type Found = Record<string, string>;

export const isShown = (field: StepField, values: Values) => field.isShown?.(values) ?? true;

function fieldInput(field: StepField, values: Values): unknown {
  const value = values[field.name];
  if (value === undefined || !isShown(field, values)) return undefined;
  const written = CODECS[field.control].write(value);
  if (field.isRequired) return written;
  if (isAnyValue(value) && written === "") return undefined;
  return isSame(written, field.default ?? "") ? undefined : written;
}

function fieldsInput({ id, kind, values }: Step, problems: Found): JsonObject {
  const entries = kindOf(kind).fields.flatMap((field) => {
    try {
      const value = fieldInput(field, values);
      return value === undefined ? [] : [[field.name, value] as const];
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      problems[`${id}.${field.name}`] = error.message;
      return [];
    }
  });
  return Object.fromEntries(entries);
}

function stepInput(step: Step, problems: Found): JsonObject {
  const fields = fieldsInput(step, problems);
  if (step.kind === "endCall") return { endCall: true };
  if (step.kind !== "conditional") return { [step.kind]: fields };
  return {
    conditional: {
      ...fields,
      then: step.then.map((each) => stepInput(each, problems)),
      otherwise: step.otherwise.map((each) => stepInput(each, problems)),
    },
  };
}

/** The tables of the form and the generated type of the input are made from one schema, which no type can say. */
const actionsInput = (steps: readonly Step[], problems: Found) =>
  steps.map((step) => stepInput(step, problems)) as unknown as ToolActionInput[];

type Content = Omit<CreateToolInput, "parametersList" | "timeout">;

/** The tool as it would be saved, and what of the form cannot be. */
export function contentOf(draft: Draft): { readonly content: Content; readonly problems: Problems } {
  const problems: Found = {};
  const schema = parsedObject(draft.parameters);
  if (schema.problem) problems.parameters = schema.problem.message;
  const seconds = Number(draft.timeLimit);
  if (!(seconds > 0)) problems.timeLimit = "The time limit is a number of seconds above 0.";
  const content = {
    name: draft.name.trim(),
    description: draft.description.trim(),
    parameters: schema.object,
    actions: actionsInput(draft.actions, problems),
    onSuccess: actionsInput(draft.onSuccess, problems),
    onFailure: actionsInput(draft.onFailure, problems),
    timeLimit: durationOf(seconds),
    confirm: draft.confirm,
  };
  return { content, problems };
}

/** Only what was changed, so that what others edit stays as it is. */
export function updateInput(tool: ToolFormFragment, draft: Draft): UpdateToolInput {
  const { content } = contentOf(draft);
  const before = draftOf(tool);
  const changed = Object.entries(content).filter(([name]) => isField(name) && !isSame(draft[name], before[name]));
  return { id: tool.id, expectedRevision: tool.revision, ...Object.fromEntries(changed) };
}

const isField = (name: string): name is keyof Draft => name in NEW;
