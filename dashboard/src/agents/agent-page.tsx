"use client";

import Link from "next/link";
import { useRouter } from "next/navigation";
import { useStudio } from "agent-studio-client/react";
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { useClient, useQuery, type Client } from "urql";
import { AgentChoicesDocument, AgentDocument, CreateAgentDocument, DeleteAgentDocument, UpdateAgentDocument, type AgentFormFragment } from "@/gql/agent";
import { exactMoment } from "@/data/format";
import { messageOf, problemOf } from "@/data/problem";
import { useRead } from "@/data/use-read";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Button, buttonClass } from "@/ui/button";
import { Confirm } from "@/ui/dialog";
import { Choice, Field, TextArea } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Empty, Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { createInput, draftOf, fieldOf, isSame, merged, NEW, updateInput, type Choices, type Draft } from "./draft";

export function AgentPage() {
  const [query] = useQueryString();
  const id = query.get("id");
  useTitle(id ? "Agent" : "New agent");
  const [{ data, error }, again] = useRead({ query: AgentDocument, variables: { id: id ?? "" }, pause: !id, requestPolicy: "cache-and-network" });
  const agent = data?.agent;
  if (!id) return <Page title="New agent">{<AgentForm agent={null} onReload={() => undefined} />}</Page>;
  if (agent) {
    return (
      <Page title={agent.displayName ?? agent.name} agent={agent}>
        <AgentForm key={agent.id} agent={agent} onReload={() => again({ requestPolicy: "network-only" })} />
      </Page>
    );
  }
  return (
    <Page title="Agent">
      {error ? <Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} /> : data ? <NoAgent /> : <FormSkeleton />}
    </Page>
  );
}

function Page({ title, agent, children }: { title: string; agent?: AgentFormFragment; children: ReactNode }) {
  return (
    <div className="max-w-3xl">
      <Link href="/agents/" prefetch={false} className="mb-2 inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
        <Icon name="left" width={15} height={15} />
        Agents
      </Link>
      <PageHeader title={title}>{agent && <Delete agent={agent} />}</PageHeader>
      {children}
    </div>
  );
}

function NoAgent() {
  return (
    <Empty icon="agents" title="There is no such agent">
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href="/agents/" className={buttonClass("primary")}>
          Show all agents
        </Link>
      </p>
    </Empty>
  );
}

function FormSkeleton() {
  return (
    <Loading what="the agent">
      <div className="grid gap-5">
        <Skeleton className="h-48 w-full" />
        <Skeleton className="h-80 w-full" />
        <Skeleton className="h-56 w-full" />
      </div>
    </Loading>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
      <legend className="float-left mb-4 w-full text-sm font-semibold">{title}</legend>
      <div className="clear-both grid gap-4">{children}</div>
    </fieldset>
  );
}

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

type Problems = Readonly<Record<string, string>>;

function AgentForm({ agent, onReload }: { agent: AgentFormFragment | null; onReload(): void }) {
  const studio = useStudio();
  const client = useClient();
  const router = useRouter();
  const toast = useToast();
  const mayWrite = useMay("AGENTS_WRITE");
  // The revision that the form was filled from: an edit by another person shows in `agent`, not here.
  const left = draftsOf(client).get(agent?.id ?? "");
  const [base, setBase] = useState(left ? left.base : agent);
  const [draft, setDraft] = useState<Draft>(() => left?.draft ?? (agent ? draftOf(agent) : NEW));
  const [problems, setProblems] = useState<Problems>({});
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const original = base ? draftOf(base) : NEW;
  const isChanged = !isSame(draft, original);
  const isOutdated = agent !== null && base !== null && agent.revision > base.revision;

  useEffect(() => {
    if (isChanged) draftsOf(client).set(agent?.id ?? "", { base, draft });
    else draftsOf(client).delete(agent?.id ?? "");
  }, [client, agent?.id, base, draft, isChanged]);
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
  const text = (name: "name" | "displayName" | "description" | "system" | "greeting" | "languages") => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => set(name, event.target.value),
    problem: problems[name],
    disabled: !mayWrite,
  });

  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || !isChanged) return;
    setBusy(true);
    setProblem("");
    setProblems({});
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
      if (!base) router.replace(`/agent/?id=${encodeURIComponent(saved.id)}`);
      return;
    }
    const { error } = result;
    if ("problems" in error) {
      const found = Object.fromEntries(error.problems.map(({ path, message }) => [fieldOf(path), message]));
      setProblems(found);
      const isShown = Object.keys(found).every((name) => name in NEW);
      return setProblem(isShown ? "The API refuses these values. See the marked fields." : messageOf(error));
    }
    if (error.code === "NAME_TAKEN") setProblems({ name: error.message });
    else if (error.code === "REVISION_CONFLICT") onReload();
    setProblem(messageOf(error));
  };

  return (
    <form ref={form} className="grid gap-5" onSubmit={(event) => void save(event)}>
      {problem && <Notice tone="bad">{problem}</Notice>}
      {isOutdated && isChanged && (
        <Notice tone="warn">
          Another person saved this agent meanwhile.{" "}
          <button
            type="button"
            className="min-h-6 underline"
            onClick={() => {
              setBase(agent);
              setDraft(draftOf(agent));
              setProblem("");
            }}
          >
            Show their version
          </button>{" "}
          and discard yours, or{" "}
          <button
            type="button"
            className="min-h-6 underline"
            onClick={() => {
              setBase(agent);
              setDraft(merged(draft, original, draftOf(agent)));
              setProblem("");
            }}
          >
            keep yours
          </button>{" "}
          with their changes of the fields that you did not edit.
        </Notice>
      )}
      <Section title="What it is">
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" hint="Lower-case letters, digits and hyphens. Workflows refer to it." autoCapitalize="none" spellCheck={false} required {...text("name")} />
          <Field label="Display name" {...text("displayName")} />
        </div>
        <Field label="Description" {...text("description")} />
      </Section>
      <Section title="What it says">
        <TextArea label="Instructions" rows={10} hint="The system prompt of the model. {{user.name}} inserts a fact about the caller." required {...text("system")} />
        <TextArea label="Greeting" rows={2} hint="The first words of the agent. Empty: it waits for the caller." {...text("greeting")} />
        <label className="flex min-h-6 items-center gap-2 text-sm">
          <input
            type="checkbox"
            checked={draft.interruptibleGreeting}
            disabled={!mayWrite}
            onChange={(event) => set("interruptibleGreeting", event.target.checked)}
            className="size-4 accent-(--accent)"
          />
          The caller can interrupt the greeting
        </label>
      </Section>
      <Section title="Model and voice">
        <Models draft={draft} problems={problems} isDisabled={!mayWrite} onChange={set} />
        <Field label="Languages" placeholder="en-US, hi-IN" hint="BCP 47 tags, the first one is spoken first. Empty: that of the tenant." {...text("languages")} />
      </Section>
      <Section title="Tools">
        <Tools draft={draft} isDisabled={!mayWrite} problem={problems.tools} onChange={(tools) => set("tools", tools)} />
      </Section>
      {mayWrite && (
        <div className="sticky bottom-0 -mx-1 flex items-center justify-end gap-3 border-t bg-bg px-1 py-3">
          <p role="status" className="mr-auto text-sm text-muted">
            {isChanged ? "There are unsaved changes." : base ? `Revision ${base.revision}, saved ${exactMoment(base.updatedAt)}` : ""}
          </p>
          {isChanged && <Button onClick={() => setDraft(original)}>Discard</Button>}
          <Button type="submit" kind="primary" busy={isBusy} disabled={!isChanged}>
            {base ? "Save" : "Create"}
          </Button>
        </div>
      )}
    </form>
  );
}

const KINDS: readonly { name: Choices; kind: "LLM" | "STT" | "TTS"; label: string }[] = [
  { name: "llm", kind: "LLM", label: "Model" },
  { name: "stt", kind: "STT", label: "Speech to text" },
  { name: "tts", kind: "TTS", label: "Text to speech" },
];

interface ModelsProps {
  draft: Draft;
  problems: Problems;
  isDisabled: boolean;
  onChange(name: Choices, value: Draft[Choices]): void;
}

function Models({ draft, problems, isDisabled, onChange }: ModelsProps) {
  const [{ data }] = useQuery({ query: AgentChoicesDocument });
  return KINDS.map(({ name, kind, label }) => {
    const { provider, model } = draft[name];
    const offered = data?.providers?.filter((each) => each.kind === kind) ?? [];
    const known = offered.some((each) => each.name === provider) || !provider;
    const models = offered.find((each) => each.name === provider)?.models ?? [];
    return (
      <div key={name} className="grid gap-4 sm:grid-cols-2">
        <Choice
          label={`${label}: provider`}
          value={provider}
          disabled={isDisabled}
          problem={problems[name]}
          onChange={({ target }) => onChange(name, { provider: target.value, model: offered.find((each) => each.name === target.value)?.models[0] ?? "" })}
        >
          <option value="">Default of the tenant</option>
          {!known && <option value={provider}>{provider}</option>}
          {offered.map((each) => (
            <option key={each.name} value={each.name}>
              {each.displayName}
            </option>
          ))}
        </Choice>
        <div>
          <Field
            label={`${label}: name`}
            list={`${name}-models`}
            value={model}
            disabled={isDisabled || !provider}
            placeholder={provider ? "" : "Default"}
            autoCapitalize="none"
            spellCheck={false}
            onChange={({ target }) => onChange(name, { provider, model: target.value })}
          />
          <datalist id={`${name}-models`}>
            {models.map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </div>
      </div>
    );
  });
}

interface ToolsProps {
  draft: Draft;
  isDisabled: boolean;
  problem: string | undefined;
  onChange(tools: readonly string[]): void;
}

function Tools({ draft, isDisabled, problem, onChange }: ToolsProps) {
  const [{ data }] = useQuery({ query: AgentChoicesDocument });
  if (!data) return <Skeleton className="h-16 w-full" />;
  const tools = data.tools?.edges.map(({ node }) => node) ?? [];
  if (!tools.length) return <p className="text-sm text-muted">There are no tools yet.</p>;
  return (
    <>
      {problem && <p className="text-xs text-bad">{problem}</p>}
      <ul className="grid gap-1">
        {tools.map(({ id, name, description }) => (
          <li key={id}>
            <label className="flex min-h-8 items-start gap-2.5 rounded-md px-2 py-1.5 text-sm hover:bg-hover">
              <input
                type="checkbox"
                checked={draft.tools.includes(name)}
                disabled={isDisabled}
                onChange={({ target }) => onChange(target.checked ? [...draft.tools, name] : draft.tools.filter((each) => each !== name))}
                className="mt-0.5 size-4 accent-(--accent)"
              />
              <span className="min-w-0">
                <span className="block font-mono text-[13px]">{name}</span>
                <span className="block text-muted">{description}</span>
              </span>
            </label>
          </li>
        ))}
      </ul>
    </>
  );
}

function Delete({ agent }: { agent: AgentFormFragment }) {
  const studio = useStudio();
  const router = useRouter();
  const toast = useToast();
  const mayWrite = useMay("AGENTS_WRITE");
  const [isAsking, setAsking] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  if (!mayWrite) return null;
  const remove = async () => {
    setBusy(true);
    const result = await studio.mutate(DeleteAgentDocument, { input: { id: agent.id } });
    setBusy(false);
    if (result.ok) {
      toast("ok", `The agent ${agent.name} was deleted.`);
      router.replace("/agents/");
      return;
    }
    const users = "usedBy" in result.error ? ` It is used by ${result.error.usedBy.join(", ")}.` : "";
    setProblem(`${messageOf(result.error)}${users}`);
  };
  return (
    <>
      <Button onClick={() => setAsking(true)}>Delete</Button>
      <Confirm
        open={isAsking}
        onOpenChange={(isOpen) => {
          setAsking(isOpen);
          setProblem("");
        }}
        title={`Delete ${agent.displayName ?? agent.name}?`}
        description="Published versions of workflows keep their copy of the agent, and calls that run continue."
        confirm="Delete the agent"
        busy={isBusy}
        problem={problem && <div className="mt-3"><Notice tone="bad">{problem}</Notice></div>}
        onConfirm={() => void remove()}
      />
    </>
  );
}
