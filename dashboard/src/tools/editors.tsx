"use client";

import { useMemo, type ComponentProps } from "react";
import { NAMESPACES, parseWith } from "@/agents/template";
import { parseJson } from "@/data/json";
import { CodeEditor } from "@/ui/code-editor";

type Props = Omit<ComponentProps<typeof CodeEditor>, "language" | "problems">;

/** What a template reads besides the context: the parts of requests read more than others. */
export type Reads = "headers" | "request";

const STEP = [...NAMESPACES, "params", "response", "digits"];
const READABLE = { step: STEP, request: [...STEP, "masked"], headers: [...STEP, "masked", "secret"] } as const;

/** An editor of a template of a step, which marks what the API would refuse. */
export function TemplateEditor({ reads, ...editor }: Props & { reads?: Reads | undefined }) {
  const problems = useMemo(() => parseWith(editor.value, READABLE[reads ?? "step"]).problems, [editor.value, reads]);
  return <CodeEditor {...editor} language="template" problems={problems} />;
}

/** An editor of JSON, which marks the first mistake. An empty text is none. */
export function JsonEditor(editor: Props) {
  const problems = useMemo(() => {
    const { problem } = editor.value.trim() ? parseJson(editor.value) : { problem: null };
    return problem ? [problem] : [];
  }, [editor.value]);
  return <CodeEditor {...editor} language="json" problems={problems} />;
}
