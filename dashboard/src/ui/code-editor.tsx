"use client";

import dynamic from "next/dynamic";
import { useId } from "react";
import type { CodeCompletion, CodeLanguage } from "./code-languages";
import { Frame, described, type Labelled } from "./field";
import { Skeleton } from "./states";

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

const View = dynamic(() => import("./code-editor-view"), { ssr: false, loading: () => <Skeleton className="h-full w-full" /> });

/** An editor of code with the label, hint and problem of a field. It is loaded with the first page that has one. */
export function CodeEditor({ completions = NONE, problems = NONE, minLines = 1, readOnly = false, hint, problem, ...editor }: Props) {
  const id = useId();
  const [first] = problems;
  const place = first && placeOf(editor.value, first.from);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const shown = {
    label: editor.label,
    hint: editor.language === "json" ? <>{hint} Tab indents; press Escape and then Tab to leave the editor.</> : hint,
    problem: problem ?? (first && `${place}${first.message}${more}`),
  };
  return (
    <Frame id={id} {...shown}>
      <div className="grid min-w-0" style={{ minHeight: `calc(${minLines * LINE}em + 1.125rem)` }}>
        <View {...editor} id={id} completions={completions} problems={problems} isReadOnly={readOnly} described={described(id, shown)} />
      </div>
    </Frame>
  );
}

const placeOf = (text: string, offset: number) => (text.includes("\n") ? `Line ${text.slice(0, offset).split("\n").length}: ` : "");
