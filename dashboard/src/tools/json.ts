// JSON values, as the API has them in its scalar of the same name.

import { isObject, parseJson, type JsonObject } from "@/data/json";
import type { CodeProblem } from "@/ui/code-editor";

export const pretty = (value: unknown): string => JSON.stringify(value, null, 2);

/** The object that a text describes; an empty one for an empty text, and with a problem. */
export function parsedObject(text: string): { readonly object: JsonObject; readonly problem: CodeProblem | null } {
  if (!text.trim()) return { object: {}, problem: null };
  const { value, problem } = parseJson(text);
  if (problem) return { object: {}, problem };
  if (isObject(value)) return { object: value, problem: null };
  return { object: {}, problem: { from: 0, to: text.length, message: "This must be a JSON object, in braces." } };
}
