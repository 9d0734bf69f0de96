// The form of a tool as a value: how it is read from the API, and what of it has to be sent.

import { isObject, type JsonObject } from "@/data/json";
import type { CreateToolInput, ToolActionInput, ToolFormFragment, UpdateToolInput } from "@/gql/tool";
import { durationOf, milliseconds } from "@/data/format";
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

let lastStep = 0;
const nextId = () => `step-${++lastStep}`;

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
    timeLimit: typeof json.timeLimit === "string" ? String(milliseconds(json.timeLimit) / 1000) : NEW.timeLimit,
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

const isEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export const isSame = (a: Draft, b: Draft) => isEqual(a, b);

/** `now` where it differs from `before`, else `theirs`. */
export const merged = (now: Draft, before: Draft, theirs: Draft): Draft => {
  const mine = (name: keyof Draft) => !isEqual(now[name], before[name]);
  return {
    name: mine("name") ? now.name : theirs.name,
    description: mine("description") ? now.description : theirs.description,
    parameters: mine("parameters") ? now.parameters : theirs.parameters,
    actions: mine("actions") ? now.actions : theirs.actions,
    onSuccess: mine("onSuccess") ? now.onSuccess : theirs.onSuccess,
    onFailure: mine("onFailure") ? now.onFailure : theirs.onFailure,
    timeLimit: mine("timeLimit") ? now.timeLimit : theirs.timeLimit,
    confirm: mine("confirm") ? now.confirm : theirs.confirm,
  };
};

// ---- problems -------------------------------------------------------------------------------

/** What is wrong with a value of the form. */
export interface FormProblem {
  /** Id of the step; null for a field of the tool itself. */
  readonly step: string | null;
  /** Empty for the step as a whole. */
  readonly field: string;
  /** Where in the value of the field. */
  readonly inside: readonly string[];
  readonly message: string;
}

const isChain = (name: string): name is ChainName => CHAINS.some((each) => each === name);
const isBranch = (name: string | undefined): name is (typeof BRANCHES)[number] => BRANCHES.some((each) => each === name);

/** The value that a path of the API leads to, such as `["input", "actions", "0", "respond", "message"]`. */
export function located(draft: Draft, path: readonly string[], message: string): FormProblem {
  const [, first = "", ...rest] = path;
  if (!isChain(first)) return { step: null, field: first, inside: rest, message };
  let steps = draft[first];
  let [index, kind, field, ...inside] = rest;
  let step = steps[Number(index)];
  while (step && kind === "conditional" && isBranch(field) && inside.length) {
    steps = step[field];
    [index, kind, field, ...inside] = inside;
    step = steps[Number(index)];
  }
  return step ? { step: step.id, field: field ?? "", inside, message } : { step: null, field: first, inside: rest, message };
}

// ---- what is sent ---------------------------------------------------------------------------

type Report = (field: string, message: string) => void;

export const isShown = (field: StepField, values: Values) => field.isShown?.(values) ?? true;

function fieldInput(field: StepField, values: Values): unknown {
  const value = values[field.name];
  if (value === undefined || !isShown(field, values)) return undefined;
  const written = CODECS[field.control].write(value);
  if (field.isRequired) return written;
  if (isAnyValue(value) && written === "") return undefined;
  return isEqual(written, field.default ?? "") ? undefined : written;
}

function fieldsInput({ kind, values }: Step, report: Report): JsonObject {
  const entries = kindOf(kind).fields.flatMap((field) => {
    try {
      const value = fieldInput(field, values);
      return value === undefined ? [] : [[field.name, value] as const];
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      report(field.name, error.message);
      return [];
    }
  });
  return Object.fromEntries(entries);
}

function stepInput(step: Step, problems: FormProblem[]): JsonObject {
  const fields = fieldsInput(step, (field, message) => problems.push({ step: step.id, field, inside: [], message }));
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
const actionsInput = (steps: readonly Step[], problems: FormProblem[]) =>
  steps.map((step) => stepInput(step, problems)) as unknown as ToolActionInput[];

type Content = Omit<CreateToolInput, "parametersList" | "timeout">;

/** The tool as it would be saved, and what of the form cannot be. */
export function contentOf(draft: Draft): { readonly content: Content; readonly problems: readonly FormProblem[] } {
  const problems: FormProblem[] = [];
  const report = (field: string, message: string) => problems.push({ step: null, field, inside: [], message });
  const schema = parsedObject(draft.parameters);
  if (schema.problem) report("parameters", schema.problem.message);
  const seconds = Number(draft.timeLimit);
  if (!(seconds > 0)) report("timeLimit", "The time limit is a number of seconds above 0.");
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
export function updateInput(id: string, revision: number, draft: Draft, before: Draft): UpdateToolInput {
  const { content } = contentOf(draft);
  const changed = Object.entries(content).filter(([name]) => isField(name) && !isEqual(draft[name], before[name]));
  return { id, expectedRevision: revision, ...Object.fromEntries(changed) };
}

const isField = (name: string): name is keyof Draft => name in NEW;
