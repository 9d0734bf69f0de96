// JSON that people type.

import type { CodeProblem } from "@/ui/code-editor";

export type Parsed = { readonly value: unknown; readonly problem: null } | { readonly value: undefined; readonly problem: CodeProblem };

/** The value of the text, or where and why it is not JSON. */
export function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text), problem: null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const place = /position (\d+)/.exec(reason)?.[1];
    const from = place === undefined ? (reason.includes("end of") ? text.length : 0) : Number(place);
    const message = `This is not JSON: ${reason.replace(/ in JSON at position.*$| \(line.*$/, "")}.`;
    return { value: undefined, problem: { from: Math.max(0, Math.min(from, text.length - 1)), to: place === undefined ? text.length : from + 1, message } };
  }
}
