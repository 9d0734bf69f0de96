"use client";

import { Link } from "@/ui/link";
import { useRouter } from "next/navigation";
import { useStudio } from "agent-studio-client/react";
import { useEffect, useMemo, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import { useClient, type Client } from "urql";
import { exactMoment } from "@/data/format";
import { messageOf, type Problems } from "@/data/problem";
import { isNewer } from "@/data/use-edited";
import { useMay } from "@/data/viewer";
import { AgentDocument, CreateAgentDocument, UpdateAgentDocument, type AgentFormFragment } from "@/gql/agent";
import { KINDS, unfinished } from "@/providers/models";
import { Button } from "@/ui/button";
import { Field, TextArea } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { useSurroundings } from "./catalog";
import { completionsOf } from "./completions";
import { createInput, draftOf, isSame, merged, NEW, updateInput, type Draft } from "./draft";
import { LanguagesSection, ModelsSection, VoiceSection } from "./model-sections";
import { pathOf, SECTIONS, sectionOf } from "./problems";
import { PromptSection } from "./prompt-section";
import { Section, SectionNav, showSection } from "./section";
import { SessionSection, SpokenTextsSection } from "./session-section";
import { FormSkeleton } from "./skeleton";
import { ToolsSection } from "./tools-section";
import { UsedSection } from "./used-section";

interface Left {
  readonly base: AgentFormFragment | null;
  readonly draft: Draft;
}

const unsaved = new WeakMap<Client, Map<string, Left>>();

/** What was not saved when the reader went to another page, by agent: it is there when they come back. */
function draftsOf(client: Client): Map<string, Left> {
  const drafts = unsaved.get(client) ?? new Map<string, Left>();
  unsaved.set(client, drafts);
  return drafts;
}

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
  const client = useClient();
  const router = useRouter();
  const toast = useToast();
  const mayWrite = useMay("AGENTS_WRITE");
  const { catalog, defaults, settings, isFetching } = useSurroundings();
  const key = agent?.id ?? (source ? `copy ${source.id}` : "");
  // The revision that the form was filled from: an edit by another person shows in `agent`, not here.
  const left = draftsOf(client).get(key);
  const [base, setBase] = useState(left ? left.base : agent);
  const [draft, setDraft] = useState<Draft>(() => left?.draft ?? (agent ? draftOf(agent) : source ? copyOf(source) : NEW));
  const [problems, setProblems] = useState<Problems>({});
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const original = base ? draftOf(base) : NEW;
  const isChanged = !isSame(draft, original);
  const isOutdated = agent !== null && base !== null && isNewer(agent, base, isSame(draftOf(agent), original));
  const completions = useMemo(() => completionsOf(draft, settings), [draft, settings]);

  useEffect(() => {
    if (isChanged) draftsOf(client).set(key, { base, draft });
    else draftsOf(client).delete(key);
  }, [client, key, base, draft, isChanged]);
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);
  useEffect(() => {
    if (Object.keys(problems).length) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problems]);
  // What others saved meanwhile is taken over as long as nothing is edited here.
  useEffect(() => {
    if (!agent || !isOutdated || isChanged) return;
    setBase(agent);
    setDraft(draftOf(agent));
  }, [agent, isOutdated, isChanged]);

  const set = <Name extends keyof Draft>(name: Name, value: Draft[Name]) => setDraft((before) => ({ ...before, [name]: value }));
  const refuse = (message: string, found: Problems = {}) => {
    setProblem(message);
    setProblems(found);
  };
  const show = (theirs: AgentFormFragment, next: Draft) => {
    setBase(theirs);
    setDraft(next);
    refuse("");
  };

  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || !isChanged) return;
    const early = KINDS.flatMap((kind) => unfinished(catalog.providers, kind, draft[kind], kind));
    if (early.length) return refuse("Complete these values first.", Object.fromEntries(early));
    setBusy(true);
    refuse("");
    const result = base
      ? await studio.mutate(UpdateAgentDocument, { input: updateInput(base, draft) })
      : await studio.mutate(CreateAgentDocument, { input: createInput(draft) });
    setBusy(false);
    if (result.ok) {
      const saved = result.value.agent;
      setBase(saved);
      // What was typed while it was being saved is not saved yet.
      setDraft((now) => merged(now, draft, draftOf(saved)));
      toast("ok", base ? "The agent was saved." : "The agent was created.");
      // The cache learns of the new revision.
      void client.query(AgentDocument, { id: saved.id }, { requestPolicy: "network-only" }).toPromise();
      if (!base) router.replace(agentPath(saved.id));
      return;
    }
    const { error } = result;
    if ("problems" in error) {
      const found = error.problems.map(({ path, message }) => [pathOf(path), message]);
      return refuse("The API refuses these values.", Object.fromEntries(found));
    }
    if (error.code === "REVISION_CONFLICT") onReload();
    refuse(messageOf(error), error.code === "NAME_TAKEN" ? { name: error.message } : {});
  };

  const saveByKey = (event: KeyboardEvent) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    if (mayWrite) form.current?.requestSubmit();
  };

  if (isFetching) return <FormSkeleton />;
  const href = agent ? agentPath(agent.id) : source ? `/agent/?copy=${encodeURIComponent(source.id)}` : "/agent/";
  const section = { draft, problems, isDisabled: !mayWrite, set };
  const text = (name: "name" | "displayName" | "description") => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => set(name, event.target.value),
    problem: problems[name],
    disabled: !mayWrite,
  });
  return (
    <div className="grid gap-x-8 gap-y-5 lg:grid-cols-[9.5rem_minmax(0,48rem)]">
      <SectionNav href={href} wrong={new Set(Object.keys(problems).map(sectionOf))} hidden={agent ? undefined : "used"} />
      <form
        ref={form}
        className="grid min-w-0 gap-5"
        onSubmit={(event) => void save(event)}
        onKeyDown={saveByKey}
        // The browser cannot show what is wrong with a field that is folded away.
        onInvalidCapture={({ target }) => target instanceof Element && target.closest("details")?.setAttribute("open", "")}
      >
        {!mayWrite && <Notice tone="info">Your role may read agents, but not change them.</Notice>}
        <NotRead what="The providers and the labels of keys" error={catalog.error} onRetry={catalog.reload} />
        {problem && <Refusal message={problem} problems={problems} href={href} />}
        {isOutdated && isChanged && (
          <Conflict
            onTheirs={() => show(agent, draftOf(agent))}
            onMine={() => show(agent, merged(draft, original, draftOf(agent)))}
          />
        )}
        <Section id="about" title="About">
          <div className="grid gap-4 sm:grid-cols-2">
            <Field
              label="Name"
              hint="Lower-case letters, digits and hyphens. Workflows refer to it."
              autoCapitalize="none"
              spellCheck={false}
              required
              {...text("name")}
            />
            <Field label="Display name" {...text("displayName")} />
          </div>
          <TextArea label="Description" rows={2} {...text("description")} />
        </Section>
        <PromptSection {...section} completions={completions} settings={settings} />
        <ModelsSection {...section} catalog={catalog} defaults={defaults} />
        <VoiceSection {...section} catalog={catalog} defaults={defaults} completions={completions} />
        <LanguagesSection {...section} />
        <ToolsSection {...section} known={agent?.tools ?? source?.tools ?? []} />
        <SessionSection {...section} completions={completions} />
        <SpokenTextsSection {...section} completions={completions} />
        {agent && <UsedSection id={agent.id} name={agent.name} />}
        {mayWrite && (
          <div data-save-bar className="sticky bottom-0 z-10 -mx-1 flex items-center justify-end gap-3 border-t bg-bg px-1 py-3">
            <p role="status" className="mr-auto text-sm text-muted">
              {isChanged ? "There are unsaved changes." : base ? `Revision ${base.revision}, saved ${exactMoment(base.updatedAt)}` : ""}
            </p>
            {isChanged && base && <Button onClick={() => show(base, original)}>Discard</Button>}
            <Button type="submit" kind="primary" busy={isBusy} disabled={!isChanged}>
              {base ? "Save" : "Create"}
            </Button>
          </div>
        )}
      </form>
    </div>
  );
}

/** All that was refused, with links to the sections, so that nothing is overlooked in a long form. */
function Refusal({ message, problems, href }: { message: string; problems: Problems; href: string }) {
  const found = Object.entries(problems);
  const titleOf = (path: string) => SECTIONS.find(({ id }) => id === sectionOf(path))?.title;
  return (
    <Notice tone="bad">
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
    </Notice>
  );
}

function Conflict({ onTheirs, onMine }: { onTheirs(): void; onMine(): void }) {
  return (
    <Notice tone="warn">
      Another person saved this agent meanwhile.{" "}
      <button type="button" className="min-h-6 underline" onClick={onTheirs}>
        Show their version
      </button>{" "}
      and discard yours, or{" "}
      <button type="button" className="min-h-6 underline" onClick={onMine}>
        keep yours
      </button>{" "}
      with their changes of the fields that you did not edit.
    </Notice>
  );
}
