"use client";

import { useId, useState } from "react";
import type { CodeCompletion } from "./code-languages";
import type { CodeLanguage } from "./code-tokens";
import { Frame, described, type Labelled } from "./field";
import { PlainCode, type Editor } from "./plain-code";

export type { CodeCompletion, CodeLanguage };

/** A part of the text that is wrong: offsets from the start of the text, in UTF-16 units. */
export interface CodeProblem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

interface Props extends Labelled {
  label: string;
  value: string;
  onChange(value: string): void;
  language: CodeLanguage;
  /** Paths that are offered while typing. */
  completions?: readonly CodeCompletion[];
  problems?: readonly CodeProblem[];
  minLines?: number;
  readOnly?: boolean;
}

const NONE = [] as const;
const LINE = 1.5;

/** An editor of code with the label, hint and problem of a field. Until it is pointed at or gets the focus, it is a text field of
    the same look: the editor has 110 kB, which the page does not need to show a text. */
export function CodeEditor({ completions = NONE, problems = NONE, minLines = 1, readOnly = false, hint, problem, ...editor }: Props) {
  const id = useId();
  const [view, setView] = useState<Editor | null>(null);
  const [first] = problems;
  const place = first && placeOf(editor.value, first.from);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const shown = {
    label: editor.label,
    hint: editor.language === "json" ? <>{hint} Tab indents; press Escape and then Tab to leave the editor.</> : hint,
    problem: problem ?? (first && `${place}${first.message}${more}`),
  };
  const field = { ...editor, id, isReadOnly: readOnly, described: described(id, shown) };
  return (
    <Frame id={id} {...shown}>
      <div className="grid min-w-0" style={{ minHeight: `calc(${minLines * LINE}em + 1.125rem)` }}>
        {view ? (
          <view.View {...field} completions={completions} problems={problems} selection={view.selection} />
        ) : (
          <PlainCode {...field} onLoaded={setView} />
        )}
      </div>
    </Frame>
  );
}

const placeOf = (text: string, offset: number) => (text.includes("\n") ? `Line ${text.slice(0, offset).split("\n").length}: ` : "");
