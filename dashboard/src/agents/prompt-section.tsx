"use client";

import { useMemo, useState } from "react";
import { problemAt, type Problems } from "@/data/problem";
import { Check } from "@/ui/check";
import type { CodeCompletion } from "@/ui/code-editor";
import { Section } from "@/ui/section";
import type { Draft } from "./draft";
import { Preview } from "./preview";
import { parse } from "./template";
import { TemplateEditor } from "./template-editor";

export interface SectionProps {
  draft: Draft;
  problems: Problems;
  isDisabled: boolean;
  set<Name extends keyof Draft>(name: Name, value: Draft[Name]): void;
}

interface Props extends SectionProps {
  completions: readonly CodeCompletion[];
  /** The values of the settings; null if they are not known. */
  settings: Readonly<Record<string, unknown>> | null;
}

export function PromptSection({ draft, problems, isDisabled, set, completions, settings }: Props) {
  const system = useMemo(() => parse(draft.system), [draft.system]);
  const greeting = useMemo(() => parse(draft.greeting), [draft.greeting]);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const text = { completions, readOnly: isDisabled };
  return (
    <Section id="prompt" title="Prompt">
      <TemplateEditor
        {...text}
        label="Instructions"
        minLines={10}
        hint="The system prompt of the model. Type {{ to insert a value of the call."
        value={draft.system}
        problem={problems["prompt.system"]}
        onChange={(value) => set("system", value)}
      />
      <TemplateEditor
        {...text}
        label="Greeting"
        minLines={2}
        hint="The first words of the agent. Empty: it waits for the caller."
        value={draft.greeting}
        problem={problems["prompt.greeting"]}
        onChange={(value) => set("greeting", value)}
      />
      <Check
        label="The caller can interrupt the greeting"
        checked={draft.interruptibleGreeting}
        disabled={isDisabled}
        onChange={({ target }) => set("interruptibleGreeting", target.checked)}
      />
      <Preview
        greeting={greeting}
        system={system}
        values={values}
        onValues={setValues}
        settings={settings}
        variables={draft.variables}
        onVariables={(variables) => set("variables", variables)}
        isDisabled={isDisabled}
        problemOf={(index) => problemAt(problems, `prompt.variables.${index}`)}
        problem={problems["prompt.variables"]}
      />
    </Section>
  );
}
