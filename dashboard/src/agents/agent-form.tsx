"use client";

import { Link } from "@/ui/link";
import { useStudio } from "agent-studio-client/react";
import { useMemo } from "react";
import type { Problems } from "@/data/problem";
import { refused } from "@/data/refusal";
import { useEdited } from "@/data/use-edited";
import { useMay } from "@/data/viewer";
import { CreateAgentDocument, UpdateAgentDocument, type AgentFormFragment } from "@/gql/agent";
import { KINDS, unfinished } from "@/providers/models";
import { EditedForm } from "@/ui/edited-form";
import { Field, TextArea } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Section } from "@/ui/section";
import { useToast } from "@/ui/toast";
import { useSurroundings } from "./catalog";
import { completionsOf } from "./completions";
import { createInput, draftOf, NEW, updateInput, type Draft } from "./draft";
import { LanguagesSection, ModelsSection, VoiceSection } from "./model-sections";
import { hasSection, SECTIONS, sectionOf } from "./problems";
import { PromptSection } from "./prompt-section";
import { SectionNav, showSection } from "./section-nav";
import { SessionSection, SpokenTextsSection } from "./session-section";
import { FormSkeleton } from "./skeleton";
import { ToolsSection } from "./tools-section";
import { UsedSection } from "./used-section";

export const agentPath = (id: string) => `/agent/?id=${encodeURIComponent(id)}`;

interface Props {
  /** Null for a new agent. */
  agent: AgentFormFragment | null;
  /** The agent that a new one begins as a copy of. */
  source?: AgentFormFragment;
  onReload(): void;
}

const copyOf = (source: AgentFormFragment): Draft => ({
  ...draftOf(source),
  name: `${source.name}-copy`,
  displayName: source.displayName ? `${source.displayName} (copy)` : "",
});

export function AgentForm({ agent, source, onReload }: Props) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("AGENTS_WRITE");
  const { catalog, defaults, settings, isFetching } = useSurroundings();
  const form = useEdited<AgentFormFragment, Draft>({
    nameOf: (base) => `agent:${base?.id ?? (source ? `copy of ${source.id}` : "")}`,
    source: agent,
    draftOf: (base) => (base ? draftOf(base) : source ? copyOf(source) : NEW),
    isShown: hasSection,
    reload: onReload,
    save: async (draft, base) => {
      const early = KINDS.flatMap((kind) => unfinished(catalog.providers, kind, draft[kind], kind));
      if (early.length) return refused(Object.fromEntries(early));
      const result = base
        ? await studio.mutate(UpdateAgentDocument, { input: updateInput(base, draft) })
        : await studio.mutate(CreateAgentDocument, { input: createInput(draft) });
      return result.ok ? { ok: true, value: result.value.agent } : result;
    },
  });
  const { draft, problems, set, text } = form;
  const completions = useMemo(() => completionsOf(draft, settings), [draft, settings]);
  if (isFetching) return <FormSkeleton />;
  const href = agent ? agentPath(agent.id) : source ? `/agent/?copy=${encodeURIComponent(source.id)}` : "/agent/";
  const section = { draft, problems, isDisabled: !mayWrite, set };
  return (
    <div className="grid gap-x-8 gap-y-5 lg:grid-cols-[9.5rem_minmax(0,48rem)]">
      <SectionNav href={href} wrong={new Set(Object.keys(problems).map(sectionOf))} hidden={agent ? undefined : "used"} />
      <EditedForm
        form={form}
        scope="AGENTS_WRITE"
        what="this agent"
        isFieldwise
        problem={<Refusal message={form.problem} problems={problems} href={href} />}
        onSaved={(_, isNew) => toast("ok", isNew ? "The agent was created." : "The agent was saved.")}
        hrefOf={({ id }) => agentPath(id)}
      >
        <NotRead what="The providers and the labels of keys" error={catalog.error} onRetry={catalog.reload} />
        <Section id="about" title="About">
          <div className="grid gap-4 sm:grid-cols-2">
            <Field
              label="Name"
              hint="Lower-case letters, digits and hyphens. Workflows refer to it."
              autoCapitalize="none"
              spellCheck={false}
              required
              disabled={!mayWrite}
              {...text("name")}
            />
            <Field label="Display name" disabled={!mayWrite} {...text("displayName")} />
          </div>
          <TextArea label="Description" rows={2} disabled={!mayWrite} {...text("description")} />
        </Section>
        <PromptSection {...section} completions={completions} settings={settings} />
        <ModelsSection {...section} catalog={catalog} defaults={defaults} />
        <VoiceSection {...section} catalog={catalog} defaults={defaults} completions={completions} />
        <LanguagesSection {...section} />
        <ToolsSection {...section} known={agent?.tools ?? source?.tools ?? []} />
        <SessionSection {...section} completions={completions} />
        <SpokenTextsSection {...section} completions={completions} />
        {agent && <UsedSection id={agent.id} name={agent.name} />}
      </EditedForm>
    </div>
  );
}

/** All that was refused, with links to the sections, so that nothing is overlooked in a long form. */
function Refusal({ message, problems, href }: { message: string; problems: Problems; href: string }) {
  const found = Object.entries(problems);
  const titleOf = (path: string) => SECTIONS.find(({ id }) => id === sectionOf(path))?.title;
  return (
    <>
      {message}
      {found.some(([, text]) => text !== message) && (
        <ul className="mt-1 list-disc pl-4">
          {found.map(([path, text]) => (
            <li key={path}>
              <Link
                href={`${href}#${sectionOf(path)}`}
                replace
                className="inline-block min-h-6 underline"
                onClick={() => showSection(sectionOf(path))}
              >
                {titleOf(path)}
              </Link>
              : {text}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
