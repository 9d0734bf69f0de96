"use client";

import { useStudio } from "agent-studio-client/react";
import { useMemo } from "react";
import { CreateToolDocument, UpdateToolDocument, type ToolFormFragment } from "@/gql/tool";
import { refused } from "@/data/refusal";
import { useEdited } from "@/data/use-edited";
import { useMay } from "@/data/viewer";
import { Check } from "@/ui/check";
import { EditedForm } from "@/ui/edited-form";
import { Field, TextArea } from "@/ui/field";
import { Section } from "@/ui/section";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { contentOf, draftOf, isInStep, isSame, NEW, pathIn, unknownKind, updateInput, type ChainName, type Draft } from "./draft";
import { ToolForm, useOffers } from "./form-context";
import { Parameters } from "./parameters";
import { StepList } from "./step-list";
import { TestPanel } from "./test-panel";

interface Props {
  /** Null for a new tool. */
  tool: ToolFormFragment | null;
  /** The tool that a new one begins as a copy of. */
  source?: ToolFormFragment;
  onReload(): void;
}

export const toolPath = ({ id }: { readonly id: string }) => `/tool/?id=${encodeURIComponent(id)}`;

const EMPTY_CHAIN: Record<ChainName, string> = {
  actions: "There are no steps yet. The tool needs at least one.",
  onSuccess: "Nothing is done after the last step.",
  onFailure: "Nothing is done after a failure. The model receives the reason.",
};

/** The form of a tool, and its test next to it. */
export function ToolEditor({ tool, source, onReload }: Props) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("TOOLS_WRITE");
  const form = useEdited<ToolFormFragment, Draft>({
    nameOf: (base) => `tool:${base?.id ?? (source ? `copy of ${source.id}` : "")}`,
    source: tool,
    draftOf: (base) => (base ? draftOf(base) : source ? { ...draftOf(source), name: `${source.name.slice(0, 58)}_copy` } : NEW),
    isSame,
    isShown: isInStep,
    reload: onReload,
    save: async (draft, base) => {
      const { content, problems: unfinished } = contentOf(draft);
      if (Object.keys(unfinished).length) return refused(unfinished);
      const result = base
        ? await studio.mutate(UpdateToolDocument, { input: updateInput(base, draft) })
        : await studio.mutate(CreateToolDocument, { input: content });
      if (result.ok) return { ok: true, value: result.value.tool };
      const { error } = result;
      if (!("problems" in error)) return result;
      const placed = error.problems.map(({ path, message }) => ({ path: ["input", pathIn(draft, path)], message }));
      return { ok: false, error: { ...error, problems: placed } };
    },
  });
  const { base, draft, problems, set, element } = form;
  const offers = useOffers(draft);
  const unknown = useMemo(() => unknownKind((base ?? source)?.definition), [base, source]);
  const isReadOnly = !mayWrite || unknown !== undefined;
  const saveBeforeTest = async () => element.current?.reportValidity() === true && (await form.submit()) !== null;

  const chain = (name: ChainName) => (
    <>
      <ChainProblem message={form.problemAt(name)} />
      <StepList label={TITLES[name]} empty={EMPTY_CHAIN[name]} steps={draft[name]} onChange={(steps) => set(name, steps)} />
    </>
  );
  const field = (name: "name" | "description" | "timeLimit") => ({
    ...form.text(name),
    disabled: isReadOnly,
    required: true,
  });

  return (
    <ToolForm value={{ offers, problems, isReadOnly }}>
      <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_25rem]">
        <EditedForm
          form={form}
          scope="TOOLS_WRITE"
          what="this tool"
          isFieldwise
          isReadOnly={isReadOnly}
          onSaved={(_, isNew) => toast("ok", isNew ? "The tool was created." : "The tool was saved.")}
          hrefOf={(saved) => toolPath(saved)}
        >
          {unknown && (
            <Notice tone="warn">
              The tool has a step of the kind {unknown}, which this page does not know. It can be edited through the API.
            </Notice>
          )}
          <Section title="About">
            <Field
              label="Name"
              hint="Lower-case letters, digits and underscores. Agents and models refer to it."
              autoCapitalize="none"
              spellCheck={false}
              {...field("name")}
            />
            <TextArea label="Description" rows={3} hint="The model reads it to decide when to use the tool." {...field("description")} />
            <div className="grid gap-4 sm:grid-cols-2">
              <Field
                label="Time limit in seconds"
                type="number"
                step="any"
                min={0}
                max={60}
                hint="Of the whole tool call, at most 60."
                {...field("timeLimit")}
              />
            </div>
            <Check label="The caller must agree before the tool does anything" disabled={isReadOnly} {...form.check("confirm")} />
          </Section>
          <Section title="Parameters">
            <Parameters text={draft.parameters} onChange={(parameters) => set("parameters", parameters)} />
          </Section>
          <Section
            title={TITLES.actions}
            text={`They run in order until one fails.${isReadOnly ? "" : " Alt with the arrow keys moves the step that has the focus."}`}
          >
            {chain("actions")}
          </Section>
          <Section title={TITLES.onSuccess} text="These steps run when all others have succeeded.">
            {chain("onSuccess")}
          </Section>
          <Section title={TITLES.onFailure} text="These steps run when one has failed.">
            {chain("onFailure")}
          </Section>
        </EditedForm>
        {mayWrite && <TestPanel id={base?.id ?? null} draft={draft} isChanged={form.isChanged} onSave={saveBeforeTest} />}
      </div>
    </ToolForm>
  );
}

const TITLES: Record<ChainName, string> = { actions: "Steps", onSuccess: "After success", onFailure: "After a failure" };

function ChainProblem({ message }: { message: string | undefined }) {
  if (!message) return null;
  return (
    <p data-problem tabIndex={-1} className="text-xs text-bad">
      {message}
    </p>
  );
}
