// What a mutation was refused with, and which values of its input are at fault.

import type { Problems } from "./problem";

/** An error of a mutation. */
export interface MutationError {
  readonly code: string;
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly problems?: readonly { readonly message: string; readonly path: readonly (string | number)[] }[];
}

export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: MutationError };

/** The values at fault; one that is not in the input has an empty path. */
export function problemsOf({ message, path = [], problems = path.length ? [{ message, path }] : [] }: MutationError): Problems {
  const found: Record<string, string> = {};
  for (const each of problems) {
    const at = (each.path[0] === "input" ? each.path.slice(1) : each.path).join(".");
    found[at] = found[at] === undefined ? each.message : `${found[at]} ${each.message}`;
  }
  return found;
}

/** The error of an input that is not worth sending. */
export const refused = (problems: Problems): { readonly ok: false; readonly error: MutationError } => ({
  ok: false,
  error: {
    code: "INVALID_INPUT",
    message: "Some values are not complete.",
    problems: Object.entries(problems).map(([at, message]) => ({ path: ["input", at], message })),
  },
});

/** The problem of the value at the path with an empty place, or the first one inside of it with its place. */
export function findProblem(problems: Problems, at: string): { readonly inside: string; readonly message: string } | undefined {
  const [path, message] = Object.entries(problems).find(([each]) => each === at || each.startsWith(`${at}.`)) ?? [];
  return path === undefined || message === undefined ? undefined : { inside: path.slice(at.length + 1), message };
}
