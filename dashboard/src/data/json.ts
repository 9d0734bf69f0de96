// JSON values, also those that people type. JSON.parse says whether a text is JSON, but not in every browser where it is not.

import type { CodeProblem } from "@/ui/code-editor";

export type Parsed = { readonly value: unknown; readonly problem: null } | { readonly value: undefined; readonly problem: CodeProblem };

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of the text, or where and why it is not JSON. */
export function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text), problem: null };
  } catch {
    return { value: undefined, problem: firstMistake(text) };
  }
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

class Mistake extends Error {
  constructor(
    readonly at: number,
    what: string,
  ) {
    super(`This is not JSON: ${what}.`);
  }
}

function firstMistake(text: string): CodeProblem {
  let at = 0;
  const accept = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const isFound = pattern.test(text);
    if (isFound) at = pattern.lastIndex;
    return isFound;
  };
  const sign = (character: string) => {
    accept(SPACE);
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };
  const expect = (isFound: boolean, expected: string) => {
    if (!isFound) throw new Mistake(at, `${expected} is missing here`);
  };
  const items = (end: string, item: () => void) => {
    if (sign(end)) return;
    do item();
    while (sign(","));
    expect(sign(end), `a comma or ${end}`);
  };
  const value = (): void => {
    if (sign("{")) {
      return items("}", () => {
        accept(SPACE);
        expect(accept(STRING), "a name in double quotes");
        expect(sign(":"), "a colon");
        value();
      });
    }
    if (sign("[")) return items("]", value);
    expect(accept(STRING) || accept(SCALAR), "a value");
  };
  try {
    value();
    accept(SPACE);
    throw new Mistake(at, "more text follows the value");
  } catch (error) {
    // Too deep for the stack, or for JSON.parse: then the place is not known.
    const message = error instanceof Mistake ? error.message : "This is not JSON.";
    const from = error instanceof Mistake ? Math.max(0, Math.min(error.at, text.length - 1)) : 0;
    return { from, to: Math.min(from + 1, text.length), message };
  }
}
