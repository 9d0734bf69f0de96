// The parts of the texts that the API understands. One regular expression a line distinguishes them, so no parser is needed.

export type CodeLanguage = "expression" | "template" | "json";

export const KEYWORDS = ["and", "or", "not", "in", "is", "empty", "true", "false", "null"];

const STRING = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`;
const NUMBER = String.raw`-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b`;
const PATHS = String.raw`[A-Za-z_][\w.]*`;
const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;

/** What is coloured in a line of each language. */
export const PATTERNS: Readonly<Record<CodeLanguage, RegExp>> = {
  expression: new RegExp(String.raw`(?<string>${STRING})|(?<keyword>\b(?:${KEYWORDS.join("|")})\b)|(?<path>${PATHS})|(?<number>${NUMBER})`, "g"),
  template: /(?<slot>\{\{[^{}]*\}\})/g,
  json: new RegExp(String.raw`(?<path>${QUOTED}(?=\s*:))|(?<string>${QUOTED})|(?<keyword>\b(?:true|false|null)\b)|(?<number>${NUMBER})`, "g"),
};
/** What is coloured in a slot of a template. */
export const IN_SLOT = new RegExp(String.raw`(?<string>${STRING})|(?<=\|\s*)(?<keyword>\w+)|(?<path>${PATHS})|(?<number>${NUMBER})`, "g");

export const KINDS = ["string", "keyword", "path", "number", "slot"] as const;

export const kindOf = (match: RegExpMatchArray) => KINDS.find((kind) => match.groups?.[kind] !== undefined);
export const classOf = (kind: (typeof KINDS)[number]) => `code-${kind}`;
