"use client";

import { useRouter } from "next/navigation";
import { useStudio } from "agent-studio-client/react";
import { useEffect, useMemo, useRef, useState, type FormEvent, type KeyboardEvent, type ReactNode } from "react";
import { Check } from "@/agents/check";
import { useClient, type Client } from "urql";
import { CreateToolDocument, ToolDocument, UpdateToolDocument, type ToolFormFragment } from "@/gql/tool";
import { exactMoment } from "@/data/format";
import { messageOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Field, TextArea } from "@/ui/field";
import { Notice } from "@/ui/states";
import { useToast } from "@/ui/toast";
import {
  contentOf,
  draftOf,
  isSame,
  located,
  merged,
  NEW,
  unknownKind,
  updateInput,
  type ChainName,
  type Draft,
  type FormProblem,
} from "./draft";
import { problemAt, ToolForm, useOffers } from "./form-context";
import { Parameters } from "./parameters";
import { StepList } from "./step-list";
import { TestPanel } from "./test-panel";

interface Left {
  /** What the form was filled from; null for a new tool. */
  readonly base: ToolFormFragment | null;
  readonly original: Draft;
  readonly draft: Draft;
}

const unsaved = new WeakMap<Client, Map<string, Left>>();

/** What was not saved when the reader went to another page, by tool: it is there when they come back. */
function draftsOf(client: Client): Map<string, Left> {
  const drafts = unsaved.get(client) ?? new Map<string, Left>();
  unsaved.set(client, drafts);
  return drafts;
}

interface Props {
  tool: ToolFormFragment | null;
  /** What the form of a new tool has. */
  start: Draft;
  onReload(): void;
}

function useForm(tool: ToolFormFragment | null, start: Draft) {
  const client = useClient();
  const key = tool ? tool.id : start === NEW ? "" : null;
  const [{ base, original, draft }, set] = useState<Left>(() => {
    const left = key === null ? undefined : draftsOf(client).get(key);
    if (left) return left;
    const read = tool ? draftOf(tool) : null;
    return { base: tool, original: read ?? NEW, draft: read ?? start };
  });
  const isChanged = !isSame(draft, original);
  const isOutdated = tool !== null && base !== null && tool.revision > base.revision;
  useEffect(() => {
    if (key === null) return;
    if (isChanged) draftsOf(client).set(key, { base, original, draft });
    else draftsOf(client).delete(key);
  }, [client, key, base, original, draft, isChanged]);
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);
  /** Fills the form from what another person saved, and keeps the parts that were edited here if `isMine`. */
  const takeOver = (isMine: boolean) => {
    if (!tool) return;
    const theirs = draftOf(tool);
    set((before) => ({ base: tool, original: theirs, draft: isMine ? merged(before.draft, before.original, theirs) : theirs }));
  };
  // What others saved meanwhile is taken over as long as nothing is edited here.
  useEffect(() => {
    if (isOutdated && !isChanged) takeOver(false);
  });
  return {
    ...{ base, original, draft, isChanged, takeOver },
    isConflict: isOutdated && isChanged,
    change: (changes: Partial<Draft>) => set((before) => ({ ...before, draft: { ...before.draft, ...changes } })),
    discard: () => set((before) => ({ ...before, draft: before.original })),
    /** The form as it was sent is what is stored; what was typed meanwhile is not saved yet. */
    saved: (stored: ToolFormFragment, sent: Draft) => set((before) => ({ ...before, base: stored, original: sent })),
  };
}

const EMPTY_CHAIN: Record<ChainName, string> = {
  actions: "There are no steps yet. The tool needs at least one.",
  onSuccess: "Nothing is done after the last step.",
  onFailure: "Nothing is done after a failure. The model receives the reason.",
};

/** The form of a tool, and its test next to it. */
export function ToolEditor({ tool, start, onReload }: Props) {
  const studio = useStudio();
  const client = useClient();
  const router = useRouter();
  const toast = useToast();
  const mayWrite = useMay("TOOLS_WRITE");
  const form = useForm(tool, start);
  const { base, original, draft, isChanged, change } = form;
  const [problems, setProblems] = useState<readonly FormProblem[]>([]);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const offers = useOffers(draft);
  const unknown = useMemo(() => unknownKind(base?.definition), [base]);
  const isReadOnly = !mayWrite || unknown !== undefined;

  useEffect(() => {
    if (problems.length) element.current?.querySelector<HTMLElement>('[aria-invalid="true"], [data-problem]')?.focus();
  }, [problems]);

  const refuse = (found: readonly FormProblem[], message: string) => {
    setProblems(found);
    setProblem(message);
    return false;
  };

  const save = async (): Promise<boolean> => {
    if (isBusy || !element.current?.reportValidity()) return false;
    const { content, problems: unfinished } = contentOf(draft);
    if (unfinished.length) return refuse(unfinished, "Some values are not complete. See the marked fields.");
    setBusy(true);
    setProblem("");
    setProblems([]);
    const result = base
      ? await studio.mutate(UpdateToolDocument, { input: updateInput(base.id, base.revision, draft, original) })
      : await studio.mutate(CreateToolDocument, { input: content });
    setBusy(false);
    if (result.ok) {
      const stored = result.value.tool;
      form.saved(stored, draft);
      toast("ok", base ? "The tool was saved." : "The tool was created.");
      // The cache learns of the new revision.
      await client.query(ToolDocument, { id: stored.id }, { requestPolicy: "network-only" }).toPromise();
      if (!base) router.replace(`/tool/?id=${encodeURIComponent(stored.id)}`);
      return true;
    }
    const { error } = result;
    if ("problems" in error) {
      const found = error.problems.map(({ path, message }) => located(draft, path, message));
      return refuse(found, found.every(isPlaced) ? "The API refuses these values. See the marked fields." : messageOf(error));
    }
    if (error.code === "REVISION_CONFLICT") onReload();
    const isName = error.code === "NAME_TAKEN" || error.code === "IN_USE";
    return refuse(isName ? [{ step: null, field: "name", inside: [], message: error.message }] : [], messageOf(error));
  };

  const saveByKey = (event: KeyboardEvent) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    if (mayWrite) element.current?.requestSubmit();
  };

  const chain = (name: ChainName) => (
    <>
      <ChainProblem problems={problems} name={name} />
      <StepList label={TITLES[name]} empty={EMPTY_CHAIN[name]} steps={draft[name]} onChange={(steps) => change({ [name]: steps })} />
    </>
  );
  const field = (name: "name" | "description" | "timeLimit") => ({
    value: draft[name],
    onChange: (event: { target: { value: string } }) => change({ [name]: event.target.value }),
    problem: problemAt(problems, null, name),
    disabled: isReadOnly,
    required: true,
  });

  return (
    <ToolForm value={{ offers, problems, isReadOnly }}>
      <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_25rem]">
        <form
          ref={element}
          className="grid min-w-0 gap-5"
          onSubmit={(event: FormEvent) => {
            event.preventDefault();
            if (isChanged) void save();
          }}
          onKeyDown={saveByKey}
          // The browser cannot show what is wrong with a field that is folded away.
          onInvalidCapture={({ target }) => target instanceof Element && target.closest("details")?.setAttribute("open", "")}
        >
          {problem && <Notice tone="bad">{problem}</Notice>}
          {unknown && (
            <Notice tone="warn">
              The tool has a step of the kind {unknown}, which this page does not know. It can be edited through the API.
            </Notice>
          )}
          {form.isConflict && !isBusy && <Conflict onTheirs={() => form.takeOver(false)} onMine={() => form.takeOver(true)} />}
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
            <Check checked={draft.confirm} disabled={isReadOnly} onChange={(confirm) => change({ confirm })}>
              The caller must agree before the tool does anything
            </Check>
          </Section>
          <Section title="Parameters">
            <Parameters text={draft.parameters} onChange={(parameters) => change({ parameters })} />
          </Section>
          <Section
            title={TITLES.actions}
            about={`They run in order until one fails.${isReadOnly ? "" : " Alt with the arrow keys moves the step that has the focus."}`}
          >
            {chain("actions")}
          </Section>
          <Section title={TITLES.onSuccess} about="These steps run when all others have succeeded.">
            {chain("onSuccess")}
          </Section>
          <Section title={TITLES.onFailure} about="These steps run when one has failed.">
            {chain("onFailure")}
          </Section>
          {mayWrite && (
            <div
              data-save-bar
              className="sticky bottom-0 z-10 -mx-1 flex flex-wrap items-center justify-end gap-3 border-t bg-bg px-1 py-3"
            >
              <p role="status" className="mr-auto text-sm text-muted">
                {isChanged ? "There are unsaved changes." : base ? `Revision ${base.revision}, saved ${exactMoment(base.updatedAt)}` : ""}
              </p>
              {isChanged && <Button onClick={form.discard}>Discard</Button>}
              <Button type="submit" kind="primary" busy={isBusy} disabled={!isChanged || isReadOnly}>
                {base ? "Save" : "Create"}
              </Button>
            </div>
          )}
        </form>
        {mayWrite && <TestPanel id={base?.id ?? null} draft={draft} isChanged={isChanged} onSave={save} />}
      </div>
    </ToolForm>
  );
}

const TITLES: Record<ChainName, string> = { actions: "Steps", onSuccess: "After success", onFailure: "After a failure" };

/** Fields that are no steps and have a place in the form. */
const PLACED = new Set(["name", "description", "timeLimit", "parameters", "actions", "onSuccess", "onFailure"]);
const isPlaced = ({ step, field }: FormProblem) => step !== null || PLACED.has(field);

function Section({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
      <h2 className="text-base font-semibold">{title}</h2>
      {about && <p className="mt-1 text-sm text-muted">{about}</p>}
      <div className="mt-4 grid gap-4">{children}</div>
    </section>
  );
}

function ChainProblem({ problems, name }: { problems: readonly FormProblem[]; name: ChainName }) {
  const message = problemAt(problems, null, name);
  if (!message) return null;
  return (
    <p data-problem tabIndex={-1} className="text-xs text-bad">
      {message}
    </p>
  );
}

const linkClass = "min-h-6 underline";

function Conflict({ onTheirs, onMine }: { onTheirs(): void; onMine(): void }) {
  return (
    <Notice tone="warn">
      Another person saved this tool meanwhile.{" "}
      <button type="button" className={linkClass} onClick={onTheirs}>
        Show their version
      </button>{" "}
      and discard yours, or{" "}
      <button type="button" className={linkClass} onClick={onMine}>
        keep yours
      </button>{" "}
      with their changes of the parts that you did not edit.
    </Notice>
  );
}
