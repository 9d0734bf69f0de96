// Templates as the API renders them, for the preview: what is typed into it stays in the browser, and no request is
// made for each key. The values of the preview are texts. tests/api/test_dashboard_agents.py compares the results.

import type { CodeProblem } from "@/ui/code-editor";

/** The namespaces that a prompt may read. */
export const NAMESPACES = ["user", "tenant", "call", "workflow", "flags", "agent", "history"];
const MAX_VALUE_LENGTH = 4096;

interface Filter {
  readonly name: string;
  readonly argument: string | null;
}

export interface Slot {
  /** Empty if the slot has a quoted text instead of a path. */
  readonly path: string;
  readonly text: string;
  readonly filters: readonly Filter[];
  readonly from: number;
  readonly to: number;
}

export interface Template {
  readonly parts: readonly (string | Slot)[];
  readonly problems: readonly CodeProblem[];
}

const INSIDE = /(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^"'{}])*/y;
const TOKEN = /\s*(?:(-?\d{1,15}(?:\.\d{1,15})?(?![\w.]))|("(?:[^"\\]|\\["\\])*"|'(?:[^'\\]|\\['\\])*')|([A-Za-z_]\w*(?:\.\w+)*)|([|:]))/y;
const PATH = /^[A-Za-z_]\w{0,62}(?:\.\w{1,63}){0,7}$/;

interface Token {
  readonly kind: "number" | "string" | "word" | "sign";
  readonly text: string;
}

class Invalid extends Error {}

export const parse = (text: string): Template => parseWith(text, NAMESPACES);

/** The steps of a tool read more namespaces than a prompt does. */
export function parseWith(text: string, namespaces: readonly string[]): Template {
  const parts: (string | Slot)[] = [];
  const problems: CodeProblem[] = [];
  let position = 0;
  for (let start = text.indexOf("{{"); start >= 0; start = text.indexOf("{{", position)) {
    if (position < start) parts.push(text.slice(position, start));
    INSIDE.lastIndex = start + 2;
    const inside = INSIDE.exec(text)?.[0] ?? "";
    const stop = start + 2 + inside.length;
    if (!text.startsWith("}}", stop)) {
      problems.push({ from: start, to: start + 2, message: "The slot that opens here is not closed by }}." });
      position = start + 2;
      continue;
    }
    position = stop + 2;
    try {
      parts.push({ ...slotOf(tokensOf(inside), namespaces), from: start, to: position });
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      problems.push({ from: start, to: position, message: error.message });
    }
  }
  if (position < text.length) parts.push(text.slice(position));
  return { parts, problems };
}

function tokensOf(inside: string): Token[] {
  const tokens: Token[] = [];
  const end = inside.trimEnd().length;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(inside);
    if (!match) throw new Invalid(`${inside.slice(at).trim().slice(0, 12)} is not valid here.`);
    const [, number, string, word, sign = ""] = match;
    tokens.push(
      number !== undefined
        ? { kind: "number", text: textOfNumber(number) }
        : string !== undefined
          ? { kind: "string", text: string.slice(1, -1).replace(/\\(.)/g, "$1") }
          : word !== undefined
            ? { kind: "word", text: word }
            : { kind: "sign", text: sign },
    );
  }
  return tokens;
}

function slotOf([head, ...rest]: Token[], namespaces: readonly string[]): Omit<Slot, "from" | "to"> {
  if (head?.kind === "string") return { path: "", text: head.text, filters: filtersOf(rest) };
  if (head?.kind !== "word") throw new Invalid("A slot starts with a path, for example {{ user.name }}.");
  if (!PATH.test(head.text)) throw new Invalid(`${head.text} is not a path such as user.name.`);
  if (!namespaces.includes(head.text.split(".")[0] ?? "")) {
    throw new Invalid(`${head.text} is not a path of the context; paths begin with ${namespaces.join(", ")}.`);
  }
  return { path: head.text, text: "", filters: filtersOf(rest) };
}

function filtersOf(tokens: Token[]): Filter[] {
  const filters: Filter[] = [];
  for (let at = 0; at < tokens.length; ) {
    const [bar, name] = [tokens[at], tokens[at + 1]];
    if (bar?.text !== "|" || bar.kind !== "sign" || name?.kind !== "word") {
      throw new Invalid("After the path, a slot may only have filters, for example | upper.");
    }
    const hasArgument = tokens[at + 2]?.kind === "sign" && tokens[at + 2]?.text === ":";
    const argument = hasArgument ? tokens[at + 3] : undefined;
    if (hasArgument && argument?.kind !== "number" && argument?.kind !== "string") {
      throw new Invalid(`The argument of ${name.text} must be a number or a quoted text.`);
    }
    const check = ARGUMENTS[name.text];
    if (!check) throw new Invalid(`There is no filter ${name.text}; the filters are ${Object.keys(ARGUMENTS).sort().join(", ")}.`);
    const problem = check(argument);
    if (problem) throw new Invalid(problem);
    filters.push({ name: name.text, argument: argument?.text ?? null });
    at += hasArgument ? 4 : 2;
  }
  if (filters.length > 8) throw new Invalid("A slot may have at most 8 filters.");
  return filters;
}

const withoutArgument = (name: string) => (argument: Token | undefined) => (argument ? `The filter ${name} takes no argument.` : null);
const decimals = (name: string) => (argument: Token | undefined) =>
  !argument || (argument.kind === "number" && /^\d$/.test(argument.text)) ? null : `The argument of ${name} is the number of decimals, 0 to 9.`;

const ARGUMENTS: Readonly<Record<string, (argument: Token | undefined) => string | null>> = {
  upper: withoutArgument("upper"),
  lower: withoutArgument("lower"),
  trim: withoutArgument("trim"),
  json: withoutArgument("json"),
  default: (argument) => (argument ? null : 'default needs the value to use instead, for example default: "there".'),
  number: decimals("number"),
  round: decimals("round"),
  date: (argument) =>
    argument?.kind === "string" && /^(?:[^%]|%[aAbBdHIjmMpSyYZ%]){1,60}$/.test(argument.text)
      ? null
      : 'date needs a pattern, for example date: "%d %B %Y".',
};

// ---- rendering -------------------------------------------------------------------------------

type Value = string | null;
type Texts = Readonly<Record<string, string>>;

/** A part of the result: the text of the template, or what became of a slot. */
export interface Rendered {
  readonly text: string;
  readonly slot: Slot | null;
}

/** Fills each slot with its value, else with its default, else with nothing. */
export function render({ parts }: Template, values: Texts, defaults: Texts): Rendered[] {
  return parts.map((part) => {
    if (typeof part === "string") return { text: part, slot: null };
    const given = part.path ? (values[part.path] ?? defaults[part.path] ?? null) : part.text;
    const value = part.filters.reduce<Value>((before, { name, argument }) => FILTERS[name]?.(before, argument) ?? null, given);
    return { text: (value ?? "").slice(0, MAX_VALUE_LENGTH), slot: part };
  });
}

const FILTERS: Readonly<Record<string, (value: Value, argument: string | null) => Value>> = {
  upper: (value) => (value ?? "").toUpperCase(),
  lower: (value) => (value ?? "").toLowerCase(),
  trim: (value) => (value ?? "").trim(),
  default: (value, argument) => value || argument,
  json: (value) => JSON.stringify(value),
  number: (value, places) => {
    const number = numberOf(value);
    if (number === null) return value;
    return places === null ? grouped(String(number)) : fixed(number, Number(places), true);
  },
  round: (value, places) => {
    const number = numberOf(value);
    if (number === null) return value;
    const rounded = String(Number(fixed(number, Number(places), false)));
    return Number(places) && !Number.isInteger(number) ? textOfNumber(rounded.includes(".") ? rounded : `${rounded}.0`) : rounded;
  },
  date: (value, pattern) => (value && pattern && dated(value, pattern)) || value,
};

/** A number with a point keeps it, as `2.0`. */
function textOfNumber(text: string): string {
  const number = Number(text);
  return text.includes(".") && Number.isInteger(number) ? `${number}.0` : String(number);
}

function numberOf(value: Value): number | null {
  if (value === null || !/^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(value)) return null;
  const number = Number(value);
  return Math.abs(number) < 1e15 ? number : null;
}

const grouped = (text: string) => text.replace(/^(-?\d+)/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
const fixed = (value: number, places: number, useGrouping: boolean) =>
  value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places, roundingMode: "halfEven", useGrouping });

const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/** The date in its own time zone, as it is written. */
function dated(iso: string, pattern: string): string | null {
  const match = ISO.exec(iso);
  if (!match) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return null;
  const name = (options: Intl.DateTimeFormatOptions) => date.toLocaleString("en-US", { ...options, timeZone: "UTC" });
  const two = (number: number) => String(number).padStart(2, "0");
  const zone = match[7]?.replace(/(\d\d):?(\d\d)$/, "$1:$2");
  const parts: Record<string, () => string> = {
    a: () => name({ weekday: "short" }),
    A: () => name({ weekday: "long" }),
    b: () => name({ month: "short" }),
    B: () => name({ month: "long" }),
    d: () => two(day),
    H: () => two(hour),
    I: () => two(hour % 12 || 12),
    j: () => String((date.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 + 1).split(".")[0]?.padStart(3, "0") ?? "",
    m: () => two(month),
    M: () => two(minute),
    p: () => (hour < 12 ? "AM" : "PM"),
    S: () => two(second),
    y: () => two(year % 100),
    Y: () => String(year),
    Z: () => (zone === undefined ? "" : zone === "Z" || /^[+-]00:00$/.test(zone) ? "UTC" : `UTC${zone}`),
    "%": () => "%",
  };
  return pattern.replace(/%(.)/g, (_all, key: string) => parts[key]?.() ?? "");
}
