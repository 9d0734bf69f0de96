"use client";

import { useStudio } from "agent-studio-client/react";
import { useState, type FormEvent } from "react";
import { PublishWorkflowDocument } from "@/gql/versions";
import { messageOf, problemOf } from "@/data/problem";
import { Button } from "@/ui/button";
import { TextArea } from "@/ui/field";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { ChangeList } from "./change-list";
import { errorsOf, FindingList, type Finding } from "./findings";
import { useDraftState } from "./use-draft-state";

interface FormProps {
  workflowId: string;
  isUnsaved: boolean;
  onCancel(): void;
  onPublished(): void;
}

export function PublishForm({ workflowId, isUnsaved, onCancel, onPublished }: FormProps) {
  const studio = useStudio();
  const toast = useToast();
  const { workflow, error, isLoading, load } = useDraftState(workflowId);
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState("");
  const [noteProblem, setNoteProblem] = useState("");
  const [refused, setRefused] = useState<readonly Finding[]>([]);
  const [isBusy, setBusy] = useState(false);
  if (error) return <Failed problem={problemOf(error)} onRetry={load} />;
  if (!workflow) return isLoading ? <DraftSkeleton /> : <Deleted />;
  const findings = refused.length ? refused : workflow.findings.findings;
  const hasErrors = errorsOf(findings).length > 0;

  const publish = async (event: FormEvent) => {
    event.preventDefault();
    if (isBusy || isLoading || hasErrors) return;
    setBusy(true);
    setProblem("");
    setNoteProblem("");
    setRefused([]);
    const input = { id: workflow.id, expectedRevision: workflow.revision, note: note.trim() || null };
    const result = await studio.mutate(PublishWorkflowDocument, { input });
    setBusy(false);
    if (result.ok) {
      toast("ok", `Version ${result.value.version.number} of ${workflow.name} was published.`);
      return onPublished();
    }
    const failure = result.error;
    if ("findings" in failure) setRefused(failure.findings);
    if ("problems" in failure) setNoteProblem(failure.problems.find(({ path }) => path[1] === "note")?.message ?? "");
    if (!("current" in failure)) return setProblem(messageOf(failure));
    setProblem("Another person edited the draft meanwhile. The changes below include theirs: look at them before you publish.");
    load();
  };

  return (
    <form className="mt-4 grid gap-4" onSubmit={(event) => void publish(event)}>
      {problem && <Notice tone="bad">{problem}</Notice>}
      {isUnsaved && <Notice tone="warn">There are edits that are not saved. They are not published.</Notice>}
      {findings.length > 0 && (
        <div className="grid gap-2">
          {hasErrors && <Notice tone="bad">The draft has errors and cannot be published. Fix them first.</Notice>}
          <FindingList findings={findings} />
        </div>
      )}
      <div className="grid gap-3">
        <h3 className="text-sm font-semibold">
          {workflow.published ? `Changes since version ${workflow.published.number}` : "What the first version has"}
        </h3>
        {isLoading ? <ChangesSkeleton /> : <Changes changes={workflow.draftDiff.changes} />}
      </div>
      <TextArea
        label="Note"
        hint="What changed and why. The list of versions shows it."
        rows={2}
        maxLength={2000}
        value={note}
        problem={noteProblem}
        onChange={({ target }) => setNote(target.value)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" kind="primary" busy={isBusy} aria-disabled={isLoading} disabled={hasErrors}>
          Publish
        </Button>
      </div>
    </form>
  );
}

function Changes({ changes }: Parameters<typeof ChangeList>[0]) {
  if (!changes.length) return <p className="text-sm text-muted">Nothing has changed since then.</p>;
  return (
    <div tabIndex={0} role="region" aria-label="Changes" className="max-h-72 overflow-y-auto rounded-md border p-4">
      <ChangeList changes={changes} />
    </div>
  );
}

const Deleted = () => (
  <div className="mt-4">
    <Notice tone="bad">The workflow has been deleted.</Notice>
  </div>
);

const ChangesSkeleton = () => (
  <Loading what="the changes">
    <Skeleton className="h-40 w-full" />
  </Loading>
);

const DraftSkeleton = () => (
  <div className="mt-4 grid gap-4">
    <ChangesSkeleton />
    <Skeleton className="h-16 w-full" />
  </div>
);
