// The kinds of steps, which the API calls actions: what the form of each has. The order of the fields is that of the form
// and of what is saved.

import type { IconName } from "@/ui/icons";
import type { Control } from "./codecs";
import type { Values } from "./draft";
import type { Reads } from "./editors";

export interface StepField {
  readonly name: string;
  readonly label: string;
  readonly control: Control;
  readonly hint?: string;
  readonly placeholder?: string;
  /** What the API uses if the field is left out. */
  readonly default?: unknown;
  /** It is always sent, also when it is empty. */
  readonly isRequired?: boolean;
  readonly options?: readonly (readonly [value: string, label: string])[];
  /** Names that are offered, by where they come from. */
  readonly offers?: "endpoints" | "servers" | "serverTools" | "nodes" | "trunks" | "writable" | "readable";
  /** What its templates read besides the context. */
  readonly reads?: Reads;
  readonly isRare?: boolean;
  readonly isShown?: (values: Values) => boolean;
}

interface Kind {
  readonly label: string;
  readonly group: "Servers" | "Context" | "Flow" | "Telephone";
  readonly icon: IconName;
  readonly about: string;
  readonly fields: readonly StepField[];
}

const TIME_LIMIT = { name: "timeLimit", label: "Time limit in seconds", control: "seconds", isRare: true } as const;
const isWarm = (values: Values) => values.mode === "WARM";

const WRITTEN: StepField = {
  name: "path",
  label: "Context path",
  control: "text",
  isRequired: true,
  offers: "writable",
  placeholder: "workflow.slot",
};
const FLAG: StepField = {
  name: "flag",
  label: "Flag",
  control: "text",
  isRequired: true,
  hint: "Conditions read it as flags.<name>.",
  placeholder: "urgent",
};

const OPERATIONS = [
  ["APPEND", "Append to the list at the path"],
  ["REMOVE", "Remove from the list at the path"],
  ["MERGE", "Merge into the object at the path"],
  ["INCREMENT", "Add to the number at the path"],
  ["COUNT", "Count the items, keys or characters"],
  ["FIRST", "Take the first item"],
  ["LAST", "Take the last item"],
  ["SUM", "Add up the items"],
  ["SORT", "Sort the items"],
  ["UNIQUE", "Remove duplicates"],
  ["JOIN", "Join the items into one string"],
  ["SPLIT", "Split the string into a list"],
] as const;

export const KINDS = {
  apiCall: {
    label: "HTTP request",
    group: "Servers",
    icon: "globe",
    about: "Later steps read response.status and response.body.",
    fields: [
      {
        name: "method",
        label: "Method",
        control: "choice",
        default: "GET",
        options: ["GET", "POST", "PUT", "PATCH", "DELETE"].map((each) => [each, each] as const),
      },
      {
        name: "endpoint",
        label: "Endpoint",
        control: "text",
        default: "",
        offers: "endpoints",
        hint: "A server of the settings, whose address comes first. Empty for a full URL.",
      },
      { name: "url", label: "URL", control: "template", default: "", placeholder: "https://api.example.com/orders/{{params.id}}" },
      { name: "headers", label: "Headers", control: "pairs", reads: "headers", hint: "{{secret.name}} is filled in last and never shown." },
      { name: "query", label: "Query parameters", control: "pairs" },
      { name: "body", label: "Body", control: "value", reads: "request", hint: "It is sent as JSON, and its strings are templates." },
      {
        name: "save",
        label: "Parts of the response to store",
        control: "paths",
        hint: "From a path of the context to a path of the response, such as workflow.order from body.id.",
      },
      { ...TIME_LIMIT, placeholder: "10", hint: "Of each attempt." },
      {
        name: "retries",
        label: "Retries",
        control: "number",
        default: 2,
        isRare: true,
        hint: "After a network failure, a 429 or a 5xx; at most 5.",
      },
      {
        name: "retryUnsafe",
        label: "Retry POST and PATCH as well, because the server honours the Idempotency-Key header",
        control: "flag",
        default: false,
        isRare: true,
      },
    ],
  },
  mcpCall: {
    label: "MCP tool",
    group: "Servers",
    icon: "tool",
    about: "Later steps read response.content and response.structured.",
    fields: [
      { name: "server", label: "MCP server", control: "text", isRequired: true, offers: "servers" },
      { name: "tool", label: "Tool on the server", control: "text", isRequired: true, offers: "serverTools" },
      { name: "arguments", label: "Arguments", control: "pairs", hint: "None: the arguments that the model gave are passed on." },
      {
        name: "save",
        label: "Parts of the result to store",
        control: "paths",
        hint: "From a path of the context to a path of the result, such as workflow.order from structured.id.",
      },
      { ...TIME_LIMIT, placeholder: "30" },
    ],
  },
  contextSet: {
    label: "Set a value",
    group: "Context",
    icon: "check",
    about: "A path that ends in [+] appends to a list.",
    fields: [WRITTEN, { name: "value", label: "Value", control: "value", isRequired: true }],
  },
  contextGet: {
    label: "Return a value",
    group: "Context",
    icon: "text",
    about: "The model receives the value.",
    fields: [{ name: "path", label: "Context path", control: "text", isRequired: true, offers: "readable", placeholder: "workflow.slot" }],
  },
  contextDelete: { label: "Remove a value", group: "Context", icon: "close", about: "", fields: [WRITTEN] },
  flagSet: { label: "Set a flag", group: "Context", icon: "bookmark", about: "", fields: [FLAG] },
  flagClear: { label: "Clear a flag", group: "Context", icon: "bookmark", about: "", fields: [FLAG] },
  transform: {
    label: "Compute a value",
    group: "Context",
    icon: "swap",
    about: "Every operation accepts every value and never fails.",
    fields: [
      WRITTEN,
      { name: "operation", label: "Operation", control: "choice", isRequired: true, options: OPERATIONS },
      { name: "operand", label: "Value", control: "value" },
      {
        ...{ name: "separator", label: "Separator", control: "text", default: ", " },
        isShown: ({ operation }: Values) => operation === "JOIN" || operation === "SPLIT",
      },
    ],
  },
  validate: {
    label: "Check rules",
    group: "Flow",
    icon: "filter",
    about: "The tool stops at the first rule that does not hold, and the model receives its message.",
    fields: [{ name: "rules", label: "Rules", control: "rules", isRequired: true }],
  },
  conditional: {
    label: "Branch",
    group: "Flow",
    icon: "swap",
    about: "",
    fields: [
      { name: "condition", label: "Condition", control: "expression", isRequired: true, placeholder: "flags.urgent and params.count > 2" },
    ],
  },
  respond: {
    label: "Respond to the model",
    group: "Flow",
    icon: "send",
    about: "It replaces the response of the last request as the result of the tool.",
    fields: [{ name: "message", label: "Message", control: "lines", isRequired: true }],
  },
  handoff: {
    label: "Hand off",
    group: "Flow",
    icon: "right",
    about: "A connection of the workflow must lead to the node.",
    fields: [{ name: "node", label: "Node", control: "text", isRequired: true, offers: "nodes" }],
  },
  endCall: { label: "End the call", group: "Flow", icon: "stop", about: "The call ends after the next words of the agent.", fields: [] },
  transferCall: {
    label: "Transfer the call",
    group: "Telephone",
    icon: "phone",
    about: "Only in voice calls.",
    fields: [
      { name: "number", label: "Phone number", control: "template", isRequired: true, placeholder: "+12025550123" },
      {
        ...{ name: "mode", label: "Mode", control: "choice", default: "COLD" },
        options: [
          ["COLD", "Cold: the carrier connects the caller"],
          ["WARM", "Warm: the agent briefs the colleague first"],
        ],
      },
      { name: "announcement", label: "What the caller hears before", control: "template" },
      { name: "brief", label: "What the colleague hears", control: "template", hint: "Empty: a summary of the call.", isShown: isWarm },
      { name: "extension", label: "Keys to press once it is answered", control: "template", isShown: isWarm },
      {
        name: "trunk",
        label: "Outbound trunk",
        control: "text",
        offers: "trunks",
        isRare: true,
        hint: "Empty: that of the call, or the only one that is enabled.",
      },
      { name: "ringingTimeout", label: "How long it may ring, in seconds", control: "seconds", placeholder: "30", isRare: true },
    ],
  },
  collectDigits: {
    label: "Ask for digits",
    group: "Telephone",
    icon: "columns",
    about: "Only in telephone calls. Later steps read digits.<name>, and masked ones masked.<name> in headers and bodies of requests.",
    fields: [
      { name: "name", label: "Name of the digits", control: "text", isRequired: true, placeholder: "account" },
      {
        name: "prompt",
        label: "What the agent asks",
        control: "lines",
        default: "",
        hint: "Empty if the model has asked already. Masked digits need a prompt.",
      },
      { name: "masked", label: "The digits are secret: nothing stores, records or transcribes them", control: "flag", default: false },
      { name: "count", label: "How many digits", control: "number", hint: "Empty: from the minimum to the maximum." },
      { name: "min", label: "Minimum", control: "number", placeholder: "1", isShown: ({ count }: Values) => !count },
      { name: "max", label: "Maximum", control: "number", placeholder: "32", isShown: ({ count }: Values) => !count },
      {
        name: "retryPrompt",
        label: "What the agent says before further attempts",
        control: "lines",
        default: "",
        isRare: true,
        hint: "Empty: the same.",
      },
      { name: "attempts", label: "Attempts", control: "number", default: 3, isRare: true, hint: "1 to 5." },
      { name: "terminator", label: "Key that completes the digits", control: "text", default: "#", isRare: true, hint: "Empty for none." },
      { name: "allowed", label: "Keys that may be pressed", control: "text", default: "0123456789*#", isRare: true },
      { name: "firstKeyTimeout", label: "Seconds to wait for the first key", control: "seconds", placeholder: "8", isRare: true },
      { name: "nextKeyTimeout", label: "Seconds to wait for each further key", control: "seconds", placeholder: "3", isRare: true },
      {
        name: "saveTo",
        label: "Context path to write the digits to",
        control: "text",
        offers: "writable",
        isRare: true,
        isShown: ({ masked }: Values) => !masked,
      },
    ],
  },
  sendDtmf: {
    label: "Press keys",
    group: "Telephone",
    icon: "columns",
    about: "Only in telephone calls.",
    fields: [
      {
        name: "digits",
        label: "Keys",
        control: "template",
        isRequired: true,
        hint: "0 to 9, *, # and w for half a second of pause.",
        placeholder: "1w2#",
      },
    ],
  },
} as const satisfies Record<string, Kind>;

export type StepKind = keyof typeof KINDS;

/** In the order of the menu that adds a step. */
export const STEP_KINDS = Object.keys(KINDS).filter((name): name is StepKind => name in KINDS);
export const kindOf = (kind: StepKind): Kind => KINDS[kind];
export const isStepKind = (name: string): name is StepKind => name in KINDS;

/** The kind by the name that results and lists of the API use, such as `context.set` or `api_call`. */
export function kindOfType(type: string): StepKind | undefined {
  const name = type.replace(/[._](\w)/g, (_match, letter: string) => letter.toUpperCase());
  return isStepKind(name) ? name : undefined;
}
