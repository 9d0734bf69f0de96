"use client";

import { useRouter } from "next/navigation";
import { Link } from "@/ui/link";
import { useStudio } from "agent-studio-client/react";
import { useState, type FormEvent, type ReactNode } from "react";
import { useQuery } from "urql";
import { ExportBundleDocument } from "@/gql/bundles";
import {
  CreateWorkflowDocument,
  DeleteWorkflowDocument,
  EntryAgentsDocument,
  RenameWorkflowDocument,
  type CreateWorkflowInput,
  type WorkflowRowFragment,
} from "@/gql/workflows";
import { isObject } from "@/data/json";
import { messageOf, problemOf } from "@/data/problem";
import { useMounted } from "@/data/use-mounted";
import { Button, buttonClass } from "@/ui/button";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Dialog } from "@/ui/dialog";
import { Choice, Field, TextArea } from "@/ui/field";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { builderHref } from "./addresses";

const MAX_SLUG = 63;

/** A slug for a name: lower-case letters, digits and hyphens, with a letter at the start. */
const slugOf = (name: string) =>
  name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, MAX_SLUG)
    .replace(/-+$/, "");

type Problems = Readonly<Record<string, string>>;

interface Refused {
  readonly code: string;
  readonly message: string;
  readonly problems?: readonly { readonly message: string; readonly path: readonly string[] }[];
}

/** The messages of an error by the fields of the form; the rest of it is said above the form. */
function problemsOf(error: Refused, fields: readonly string[]): { readonly byField: Problems; readonly general: string } {
  const found = error.problems ?? (error.code === "NAME_TAKEN" ? [{ message: error.message, path: ["slug"] }] : []);
  const byField = Object.fromEntries(found.map(({ path, message }) => [path.at(-1) ?? "", message]));
  const isShown = found.length > 0 && Object.keys(byField).every((name) => fields.includes(name));
  return { byField, general: isShown ? "" : messageOf(error) };
}

interface NamesProps {
  name: string;
  slug: string;
  problems: Problems;
  slugHint: string;
  onChange(names: { name: string; slug: string }): void;
}

/** Name and slug; the slug follows the name until it is edited. */
function Names({ name, slug, problems, slugHint, onChange }: NamesProps) {
  const follows = slug === slugOf(name);
  return (
    <>
      <Field
        label="Name"
        value={name}
        required
        maxLength={120}
        problem={problems.name}
        onChange={({ target }) => onChange({ name: target.value, slug: follows ? slugOf(target.value) : slug })}
      />
      <Field
        label="Slug"
        hint={slugHint}
        value={slug}
        required
        maxLength={MAX_SLUG}
        autoCapitalize="none"
        spellCheck={false}
        className="font-mono"
        problem={problems.slug}
        onChange={({ target }) => onChange({ name, slug: target.value })}
      />
    </>
  );
}

const SLUG_HINT = "Calls and files refer to the workflow by it: lower-case letters, digits and hyphens.";

interface SubmitProps {
  problem: string;
  submit: string;
  isBusy: boolean;
  onSubmit(): void;
  onCancel(): void;
  children: ReactNode;
}

function Form({ problem, submit, isBusy, onSubmit, onCancel, children }: SubmitProps) {
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (!isBusy) onSubmit();
  };
  return (
    <form className="mt-4 grid gap-4" onSubmit={send}>
      {problem && <Notice tone="bad">{problem}</Notice>}
      {children}
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" kind="primary" busy={isBusy}>
          {submit}
        </Button>
      </div>
    </form>
  );
}

/** Creates a workflow and reports what the API refuses. Only a form that is still shown closes or leaves the page. */
function useCreate(onCreated: (workflow: WorkflowRowFragment, isShown: boolean) => void) {
  const studio = useStudio();
  const isShown = useMounted();
  const [state, setState] = useState<{ isBusy: boolean; byField: Problems; general: string }>({ isBusy: false, byField: {}, general: "" });
  const prepare = () => setState({ isBusy: true, byField: {}, general: "" });
  const create = async (input: CreateWorkflowInput) => {
    prepare();
    const result = await studio.mutate(CreateWorkflowDocument, { input });
    setState({ isBusy: false, ...(result.ok ? { byField: {}, general: "" } : problemsOf(result.error, ["name", "slug"])) });
    if (result.ok) onCreated(result.value.workflow, isShown.current);
  };
  const fail = (general: string) => setState({ isBusy: false, byField: {}, general });
  return { ...state, prepare, create, fail };
}

interface DialogProps {
  open: boolean;
  onOpenChange(open: boolean): void;
}

export function CreateWorkflow({ open, onOpenChange }: DialogProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New workflow"
      description="It begins with one agent. More agents and the connections between them follow in the builder."
    >
      <CreateForm onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateForm({ onCancel }: { onCancel(): void }) {
  const router = useRouter();
  const toast = useToast();
  const [{ data, error }, execute] = useQuery({ query: EntryAgentsDocument, requestPolicy: "cache-and-network" });
  const [names, setNames] = useState({ name: "", slug: "" });
  const [chosen, setChosen] = useState("");
  const { isBusy, byField, general, create } = useCreate(({ id, name }, isShown) =>
    isShown ? router.push(builderHref(id)) : toast("ok", `${name} was created.`),
  );
  if (error && !data) return <Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} />;
  if (!data) {
    return (
      <Loading what="agents">
        <Skeleton className="mt-4 h-64 w-full" />
      </Loading>
    );
  }
  const agents = data.agents?.edges.map(({ node }) => node) ?? [];
  const agent = agents.find(({ name }) => name === chosen) ?? agents[0];
  if (!agent) {
    return (
      <div className="mt-4 grid gap-4">
        <p className="text-sm">A workflow needs an agent, and there is none yet.</p>
        <Link href="/agent/" className={`${buttonClass("primary")} justify-self-end`}>
          Describe the first agent
        </Link>
      </div>
    );
  }
  const submit = () =>
    void create({
      slug: names.slug,
      name: names.name.trim(),
      // With one agent that may begin and end the call, the draft can be published as it is.
      nodes: [{ id: agent.name.replaceAll("-", "_"), agent: agent.name, isEntry: true, isExit: true }],
    });
  return (
    <Form problem={general} submit="Create" isBusy={isBusy} onSubmit={submit} onCancel={onCancel}>
      <Names {...names} problems={byField} slugHint={SLUG_HINT} onChange={setNames} />
      <Choice label="First agent" hint="It answers the call." value={agent.name} onChange={({ target }) => setChosen(target.value)}>
        {agents.map(({ id, name, displayName }) => (
          <option key={id} value={name}>
            {displayName ?? name}
          </option>
        ))}
      </Choice>
    </Form>
  );
}

interface TargetProps {
  target: WorkflowRowFragment | null;
  onClose(): void;
  onChanged(): void;
}

const whenClosed = (onClose: () => void) => (isOpen: boolean) => {
  if (!isOpen) onClose();
};

export function RenameWorkflow({ target, onClose, onChanged }: TargetProps) {
  return (
    <Dialog open={target !== null} onOpenChange={whenClosed(onClose)} title={`Rename ${target?.name ?? "the workflow"}`}>
      {target && <RenameForm target={target} onClose={onClose} onChanged={onChanged} />}
    </Dialog>
  );
}

function RenameForm({ target, onClose, onChanged }: TargetProps & { target: WorkflowRowFragment }) {
  const studio = useStudio();
  const toast = useToast();
  const isShown = useMounted();
  const [names, setNames] = useState({ name: target.name, slug: target.slug });
  const [description, setDescription] = useState(target.description ?? "");
  // `target` follows the edits of others: what was shown is of one revision until there is a conflict.
  const [shown] = useState(target);
  const [conflict, setConflict] = useState<number | null>(null);
  const [problems, setProblems] = useState<Problems>({});
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    setProblem("");
    setProblems({});
    const input = {
      id: shown.id,
      expectedRevision: conflict ?? shown.revision,
      ...(names.slug !== shown.slug && { slug: names.slug }),
      ...(names.name !== shown.name && { name: names.name.trim() }),
      ...(description !== (shown.description ?? "") && { description: description.trim() || null }),
    };
    const result = await studio.mutate(RenameWorkflowDocument, { input });
    setBusy(false);
    if (result.ok) {
      toast("ok", `The workflow is now called ${result.value.workflow.name}.`);
      onChanged();
      if (isShown.current) onClose();
      return;
    }
    const { byField, general } = problemsOf(result.error, ["name", "slug", "description"]);
    setProblems(byField);
    if (!("current" in result.error)) return setProblem(general);
    setConflict(result.error.current);
    setProblem("Another person edited the workflow meanwhile. Save again to keep their edits and these names.");
    onChanged();
  };
  const isPublished = target.published !== null && names.slug !== target.slug;
  return (
    <Form problem={problem} submit="Save" isBusy={isBusy} onSubmit={() => void save()} onCancel={onClose}>
      <Names {...names} problems={problems} slugHint={SLUG_HINT} onChange={setNames} />
      {isPublished && <Notice tone="warn">Programs that start calls by the slug {target.slug} have to use the new one.</Notice>}
      <TextArea
        label="Description"
        rows={3}
        maxLength={2000}
        value={description}
        problem={problems.description}
        onChange={({ target: area }) => setDescription(area.value)}
      />
    </Form>
  );
}

export function DuplicateWorkflow({ target, onClose, onChanged }: TargetProps) {
  return (
    <Dialog
      open={target !== null}
      onOpenChange={whenClosed(onClose)}
      title={`Duplicate ${target?.name ?? "the workflow"}`}
      description="The copy has the nodes and connections of the draft, and uses the same agents."
    >
      {target && <DuplicateForm target={target} onClose={onClose} onChanged={onChanged} />}
    </Dialog>
  );
}

function DuplicateForm({ target, onClose, onChanged }: TargetProps & { target: WorkflowRowFragment }) {
  const studio = useStudio();
  const toast = useToast();
  const [names, setNames] = useState({ name: `Copy of ${target.name}`, slug: slugOf(`${target.slug}-copy`) });
  const { isBusy, byField, general, prepare, create, fail } = useCreate(({ name }, isShown) => {
    toast("ok", `${name} was created.`);
    onChanged();
    if (isShown) onClose();
  });
  const duplicate = async () => {
    prepare();
    const result = await studio.query(ExportBundleDocument, { workflows: [target.slug] });
    if (!result.ok) return fail(messageOf(result.error));
    const original = workflowIn(result.value.exportBundle?.json, target.slug);
    if (!original) return fail("The workflow has been deleted or renamed meanwhile.");
    await create({ ...original, slug: names.slug, name: names.name.trim() });
  };
  return (
    <Form problem={general} submit="Duplicate" isBusy={isBusy} onSubmit={() => void duplicate()} onCancel={onClose}>
      <Names {...names} problems={byField} slugHint={SLUG_HINT} onChange={setNames} />
    </Form>
  );
}

/** Bundles have workflows in the form of the input that creates them. */
function workflowIn(bundle: unknown, slug: string): CreateWorkflowInput | undefined {
  const isOurs = (each: unknown): each is CreateWorkflowInput => isObject(each) && each.slug === slug;
  return isObject(bundle) && Array.isArray(bundle.workflows) ? bundle.workflows.find(isOurs) : undefined;
}

export function DeleteWorkflow({ target, onClose, onChanged }: TargetProps) {
  const studio = useStudio();
  const toast = useToast();
  return (
    <ConfirmDelete
      open={target !== null}
      onClose={onClose}
      title={`Delete ${target?.name ?? "the workflow"}?`}
      description="Its draft and its versions can no longer be used for new calls. Past calls and the agents remain. This cannot be undone."
      confirm="Delete the workflow"
      remove={() => studio.mutate(DeleteWorkflowDocument, { input: { id: target?.id ?? "" } })}
      onRemoved={() => {
        toast("ok", `The workflow ${target?.name ?? ""} was deleted.`);
        onChanged();
      }}
    />
  );
}
