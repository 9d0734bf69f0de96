// JSON values, as the API has them in its scalar of the same name.

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

export const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

export type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };

export function parsed(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, problem: `This is not valid JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The object that a text describes; an empty one for an empty text. */
export function parsedObject(text: string): Parsed & { readonly object: JsonObject } {
  const result: Parsed = text.trim() ? parsed(text) : { ok: true, value: {} };
  if (!result.ok) return { ...result, object: {} };
  if (!isObject(result.value)) return { ok: false, problem: "This must be a JSON object, in braces.", object: {} };
  return { ...result, object: result.value };
}
