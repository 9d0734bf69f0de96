// The JSON Schema of parameters as a form reads and edits it. Keywords that the form does not show stay as they are.

import { isObject, type JsonObject } from "@/data/json";

export const TYPES = ["string", "integer", "number", "boolean", "array", "object"] as const;
export type ParameterType = (typeof TYPES)[number];

export const TYPE_NAMES: Record<ParameterType, string> = {
  string: "Text",
  integer: "Whole number",
  number: "Number",
  boolean: "Yes or no",
  array: "List",
  object: "Object",
};

const SHOWN = new Set(["type", "title", "description", "enum", "default", "items", "properties", "required", "additionalProperties"]);

/** The type if the form has a field for it; undefined for references, alternatives and several types. */
export const typeOf = (schema: unknown): ParameterType | undefined =>
  isObject(schema) ? TYPES.find((type) => type === schema.type) : undefined;

export const propertiesOf = (schema: JsonObject): readonly (readonly [string, unknown])[] =>
  isObject(schema.properties) ? Object.entries(schema.properties) : [];

export const requiredOf = (schema: JsonObject): readonly string[] =>
  Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === "string") : [];

export const textAt = (schema: JsonObject, keyword: string): string => {
  const value = schema[keyword];
  return typeof value === "string" ? value : "";
};

/** Keywords that only the JSON shows. */
export const hiddenKeywords = (schema: JsonObject): readonly string[] => Object.keys(schema).filter((name) => !SHOWN.has(name));

/** The schema with a keyword, or without it. */
export function withKeyword(schema: JsonObject, keyword: string, value: unknown): JsonObject {
  if (value !== undefined) return { ...schema, [keyword]: value };
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== keyword));
}

/** Keywords of the former type that the new one does not have would forbid every value, or say nothing. */
export function withType(schema: JsonObject, type: ParameterType): JsonObject {
  const { title, description } = schema;
  const kept = { ...(title !== undefined && { title }), type, ...(description !== undefined && { description }) };
  if (type === "object") return { ...kept, properties: {}, additionalProperties: false };
  return type === "array" ? { ...kept, items: { type: "string" } } : kept;
}

/** The properties in their order, with one changed, renamed, or removed. */
export function withProperty(
  schema: JsonObject,
  name: string,
  changes: { readonly name?: string; readonly schema?: unknown; readonly isRequired?: boolean },
): JsonObject {
  const to = changes.name ?? name;
  const properties = Object.fromEntries(
    propertiesOf(schema).map(([key, value]) => (key === name ? [to, "schema" in changes ? changes.schema : value] : [key, value])),
  );
  const wasRequired = requiredOf(schema).includes(name);
  const others = requiredOf(schema).map((each) => (each === name ? to : each));
  const isRequired = changes.isRequired ?? wasRequired;
  const required = isRequired === wasRequired ? others : isRequired ? [...others, to] : others.filter((each) => each !== to);
  return withRequired({ ...schema, properties }, required);
}

export function withoutProperty(schema: JsonObject, name: string): JsonObject {
  const properties = Object.fromEntries(propertiesOf(schema).filter(([key]) => key !== name));
  return withRequired(
    { ...schema, properties },
    requiredOf(schema).filter((each) => each !== name),
  );
}

export function withNewProperty(schema: JsonObject): JsonObject {
  const names = propertiesOf(schema).map(([name]) => name);
  let number = names.length + 1;
  while (names.includes(`parameter_${number}`)) number += 1;
  return { ...schema, properties: { ...Object.fromEntries(propertiesOf(schema)), [`parameter_${number}`]: { type: "string" } } };
}

const withRequired = (schema: JsonObject, required: readonly string[]): JsonObject =>
  withKeyword(schema, "required", required.length ? required : undefined);

/** A value of an enumeration or a default, as its field shows it. */
export const shownValue = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);

/** What was typed, as a value of the type; a text that is none stays a text, and the API says what is wrong with it. */
export function typedValue(type: ParameterType, text: string): unknown {
  if (type === "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
