// How the editor colours and completes the texts that the API understands. One regular
// expression a line distinguishes their parts, so no parser is needed.

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { Decoration, MatchDecorator, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from "@codemirror/view";

export type CodeLanguage = "expression" | "template" | "json";

export interface CodeCompletion {
  readonly label: string;
  readonly detail?: string;
}

const STRING = String.raw`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`;
const NUMBER = String.raw`-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b`;
const KEYWORDS = ["and", "or", "not", "in", "is", "empty", "true", "false", "null"];
const FILTERS = ["upper", "lower", "trim", "default", "json", "number", "date", "round"];
const PATH = /[\w.]*$/;

const PATHS = String.raw`[A-Za-z_][\w.]*`;
const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;

const EXPRESSION = new RegExp(String.raw`(?<string>${STRING})|(?<keyword>\b(?:${KEYWORDS.join("|")})\b)|(?<path>${PATHS})|(?<number>${NUMBER})`, "g");
const SLOT = new RegExp(String.raw`(?<string>${STRING})|(?<=\|\s*)(?<keyword>\w+)|(?<path>${PATHS})|(?<number>${NUMBER})`, "g");
const JSON_TOKEN = new RegExp(
  String.raw`(?<path>${QUOTED}(?=\s*:))|(?<string>${QUOTED})|(?<keyword>\b(?:true|false|null)\b)|(?<number>${NUMBER})`,
  "g",
);

const mark = (name: string) => Decoration.mark({ class: `cm-token-${name}` });
const MARKS: Readonly<Record<string, Decoration>> = Object.fromEntries(["string", "keyword", "path", "number"].map((name) => [name, mark(name)]));
const SLOT_MARK = mark("slot");

const kindOf = (match: RegExpMatchArray) => Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? "";

const flat = (regexp: RegExp) => new MatchDecorator({ regexp, decoration: (match) => MARKS[kindOf(match)] ?? null });

const slots = new MatchDecorator({
  regexp: /\{\{[^{}]*\}\}/g,
  decorate: (add, from, to, match) => {
    add(from, to, SLOT_MARK);
    for (const token of match[0].matchAll(SLOT)) {
      const decoration = MARKS[kindOf(token)];
      if (decoration) add(from + token.index, from + token.index + token[0].length, decoration);
    }
  },
});

const DECORATORS: Record<CodeLanguage, MatchDecorator> = { expression: flat(EXPRESSION), template: slots, json: flat(JSON_TOKEN) };

export const highlighting = (language: CodeLanguage) => {
  const decorator = DECORATORS[language];
  return ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;
      constructor(view: EditorView) {
        this.decorations = decorator.createDeco(view);
      }
      update(update: ViewUpdate) {
        this.decorations = decorator.updateDeco(update, this.decorations);
      }
    },
    { decorations: (plugin) => plugin.decorations },
  );
};

const words = (labels: readonly string[], type: string): readonly Completion[] => labels.map((label) => ({ label, type }));

/** What can be inserted at the cursor. In a template that is a path or a filter inside of `{{ }}`; outside, a whole slot, if it is asked for. */
export function complete(language: CodeLanguage, completions: readonly CodeCompletion[], context: CompletionContext): CompletionResult | null {
  const line = context.state.doc.lineAt(context.pos);
  const before = line.text.slice(0, context.pos - line.from);
  const word = PATH.exec(before)?.[0] ?? "";
  const from = context.pos - word.length;
  // What is being typed may be among the paths that the text has already.
  const paths = completions.filter(({ label }) => label !== word);
  if (language !== "template") {
    if (!word && !context.explicit) return null;
    return { from, options: language === "json" ? paths : [...paths, ...words(KEYWORDS, "keyword")] };
  }
  const open = before.lastIndexOf("{{");
  if (open > before.lastIndexOf("}}")) {
    const isFilter = /\|\s*\w*$/.test(before.slice(open));
    return { from, options: isFilter ? words(FILTERS, "function") : paths };
  }
  if (!context.explicit) return null;
  return { from: context.pos, options: paths.map(({ label, detail }) => ({ label, detail, apply: `{{${label}}}` })) };
}
