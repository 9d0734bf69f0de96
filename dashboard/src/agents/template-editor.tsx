"use client";

import { useMemo } from "react";
import { CodeEditor, type CodeCompletion } from "@/ui/code-editor";
import { parse } from "./template";

interface Props {
  label: string;
  hint: string;
  value: string;
  onChange(value: string): void;
  completions: readonly CodeCompletion[];
  readOnly: boolean;
  problem: string | undefined;
  minLines?: number;
}

/** An editor of a template, which marks what the API would refuse. */
export function TemplateEditor(props: Props) {
  const problems = useMemo(() => parse(props.value).problems, [props.value]);
  return <CodeEditor {...props} language="template" problems={problems} />;
}
