// How the editor colours and completes the texts that the API understands.

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { Decoration, MatchDecorator, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from "@codemirror/view";
import { classOf, IN_SLOT, KEYWORDS, kindOf, KINDS, PATTERNS, type CodeLanguage } from "./code-tokens";

export interface CodeCompletion {
  readonly label: string;
  readonly detail?: string;
}

const FILTERS = ["upper", "lower", "trim", "default", "json", "number", "date", "round"];
const PATH = /[\w.]*$/;

const MARKS = new Map(KINDS.map((kind) => [kind, Decoration.mark({ class: classOf(kind) })]));

const markOf = (match: RegExpMatchArray) => {
  const kind = kindOf(match);
  return (kind && MARKS.get(kind)) ?? null;
};

const decoratorOf = (language: CodeLanguage) =>
  new MatchDecorator({
    regexp: PATTERNS[language],
    decorate: (add, from, to, match) => {
      const mark = markOf(match);
      if (mark) add(from, to, mark);
      if (language !== "template") return;
      for (const token of match[0].matchAll(IN_SLOT)) {
        const inner = markOf(token);
        if (inner) add(from + token.index, from + token.index + token[0].length, inner);
      }
    },
  });

const DECORATORS: Record<CodeLanguage, MatchDecorator> = {
  expression: decoratorOf("expression"),
  template: decoratorOf("template"),
  json: decoratorOf("json"),
};

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
