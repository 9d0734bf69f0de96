// How the values of a step are shown in its form, and how they are read from it. A form has texts where JSON has numbers,
// objects and durations, so that what is typed and not complete yet can stay in it.

import { durationOf, secondsOf } from "@/data/format";
import { isObject, parseJson } from "@/data/json";
import { parsedObject, pretty } from "./json";

/** A pair of texts, such as a header; the number is the key of its row in the form. */
export interface Row {
  readonly id: number;
  readonly name: string;
  readonly value: string;
}

/** A value of any type: a template, or JSON. */
export interface AnyValue {
  readonly isJson: boolean;
  readonly text: string;
}

export type FormValue = string | boolean | readonly Row[] | AnyValue;

export type Control =
  "text" | "template" | "lines" | "expression" | "choice" | "number" | "seconds" | "flag" | "value" | "pairs" | "paths" | "rules";

/** The form has a value that cannot be saved; the message says why. */
export class BadValue extends Error {}

interface Codec {
  read(json: unknown): FormValue;
  /** What is saved; undefined for nothing. */
  write(value: FormValue): unknown;
}

let lastRow = 0;
export const newRow = (name = "", value = ""): Row => ({ id: ++lastRow, name, value });

export const textOf = (value: FormValue | undefined): string => (typeof value === "string" ? value : "");
export const rowsOf = (value: FormValue | undefined): readonly Row[] => (isRows(value) ? value : []);
export const isRows = (value: FormValue | undefined): value is readonly Row[] => Array.isArray(value);
export const isAnyValue = (value: FormValue | undefined): value is AnyValue => typeof value === "object" && !isRows(value);

function checked<Result extends { readonly problem: { readonly message: string } | null }>(result: Result): Result {
  if (result.problem) throw new BadValue(result.problem.message);
  return result;
}

function numberOf(text: string): number | undefined {
  if (!text.trim()) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) throw new BadValue("This is not a number.");
  return number;
}

const TEXT: Codec = { read: (json) => (typeof json === "string" ? json : ""), write: textOf };

const NUMBER: Codec = { read: (json) => (typeof json === "number" ? String(json) : ""), write: (value) => numberOf(textOf(value)) };

const SECONDS: Codec = {
  read: (json) => (typeof json === "string" ? String(secondsOf(json)) : ""),
  write: (value) => {
    const seconds = numberOf(textOf(value));
    return seconds === undefined ? undefined : durationOf(seconds);
  },
};

const FLAG: Codec = { read: (json) => json === true, write: (value) => value === true };

const VALUE: Codec = {
  read(json) {
    if (json === undefined) return { isJson: false, text: "" };
    return typeof json === "string" ? { isJson: false, text: json } : { isJson: true, text: pretty(json) };
  },
  write(value) {
    if (!isAnyValue(value)) return undefined;
    if (!value.isJson) return value.text;
    return value.text.trim() ? checked(parseJson(value.text)).value : undefined;
  },
};

/** An object of texts as rows; any other object as the text of its JSON. */
const PAIRS: Codec = {
  read(json) {
    if (!isObject(json)) return [];
    const entries = Object.entries(json);
    if (!entries.length) return pretty(json);
    const rows = entries.flatMap(([name, value]) => (typeof value === "string" ? [newRow(name, value)] : []));
    return rows.length === entries.length ? rows : pretty(json);
  },
  write(value) {
    if (!isRows(value)) {
      const text = textOf(value);
      return text.trim() ? checked(parsedObject(text)).object : undefined;
    }
    const rows = value.filter(({ name, value: text }) => name.trim() || text.trim());
    const names = rows.map(({ name }) => name.trim());
    if (names.includes("")) throw new BadValue("A row has no name.");
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice !== undefined) throw new BadValue(`${twice} is listed twice.`);
    return rows.length ? Object.fromEntries(rows.map(({ name, value: text }) => [name.trim(), text])) : undefined;
  },
};

/** Conditions, each with the message for when it is false. */
const RULES: Codec = {
  read(json) {
    const rules = Array.isArray(json) ? json.filter(isObject) : [];
    return rules.map(({ condition, message }) => newRow(String(condition ?? ""), String(message ?? "")));
  },
  write: (value) => rowsOf(value).map(({ name, value: message }) => ({ condition: name, message })),
};

export const CODECS: Record<Control, Codec> = {
  ...{ text: TEXT, template: TEXT, lines: TEXT, expression: TEXT, choice: TEXT },
  ...{ number: NUMBER, seconds: SECONDS, flag: FLAG, value: VALUE, pairs: PAIRS, paths: PAIRS, rules: RULES },
};
