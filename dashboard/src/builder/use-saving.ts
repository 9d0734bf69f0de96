"use client";

import { useStudio } from "agent-studio-client/react";
import { useCallback, useEffect, useState } from "react";
import { useSubscription } from "urql";
import { BuilderDocument, UpdateWorkflowDocument, WorkflowRevisionsDocument, type WorkflowRevisionsSubscription } from "@/gql/builder";
import { messageOf } from "@/data/problem";
import { useToast } from "@/ui/toast";
import { problemsOf, type Finding } from "./findings";
import { NOTHING, type Draft, type Saved } from "./model";
import { changesOf, isSame, readWorkflow } from "./stored";
import type { Editing } from "./use-editing";

export interface Saving {
  readonly isBusy: boolean;
  /** Why the last attempt failed; empty if it did not. */
  readonly problem: string;
  /** The values that the API refused. */
  readonly refused: readonly Finding[];
  /** Another person has saved a newer revision. */
  readonly isOutdated: boolean;
  /** That revision, while it is compared. */
  readonly theirs: Saved | null;
  save(): Promise<void>;
  compare(): Promise<void>;
  closeComparison(): void;
  resolve(theirs: Saved, draft: Draft, said: string): void;
}

interface Refused {
  readonly draft: Draft | null;
  readonly problem: string;
  readonly findings: readonly Finding[];
}

const NOT_REFUSED: Refused = { draft: null, problem: "", findings: [] };

/** Stores the draft on the revision that it was made from; on another revision, both are compared. */
export function useSaving(workflowId: string, storedRevision: number, editing: Editing): Saving {
  const studio = useStudio();
  const toast = useToast();
  const { base, draft, isChanged, rebase, follow } = editing;
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Refused>(NOT_REFUSED);
  const [theirs, setTheirs] = useState<Saved | null>(null);
  // The list may be behind a conflict.
  const [conflicting, setConflicting] = useState(0);
  const latest = Math.max(useLatestRevision(workflowId, base, storedRevision), conflicting);
  const isOutdated = latest > base.revision && !isBusy;

  const fail = useCallback((problem: string, findings: readonly Finding[] = []) => setRefused({ draft, problem, findings }), [draft]);

  const load = useCallback(async (): Promise<Saved | null> => {
    const result = await studio.query(BuilderDocument, { id: workflowId });
    if (result.ok && result.value.workflow) return readWorkflow(result.value.workflow, base.draft);
    fail(result.ok ? "The workflow has been deleted." : messageOf(result.error));
    return null;
  }, [studio, workflowId, base, fail]);

  const compare = async () => {
    const saved = await load();
    if (saved) setConflicting(saved.revision);
    setTheirs(saved);
  };

  const save = async () => {
    if (isBusy || !isChanged) return;
    setBusy(true);
    setRefused(NOT_REFUSED);
    const input = { id: workflowId, expectedRevision: base.revision, ...changesOf(base.draft, draft) };
    const result = await studio.mutate(UpdateWorkflowDocument, { input });
    if (result.ok) {
      const saved = await readWorkflow(result.value.workflow, draft).finally(() => setBusy(false));
      // What was changed while it was being saved is not saved yet.
      rebase(saved, (now) => (now === draft && !isSame(saved.draft, now) ? saved.draft : now));
      return toast("ok", "The workflow was saved.");
    }
    setBusy(false);
    const { error } = result;
    if (error.code === "REVISION_CONFLICT") return compare();
    if ("problems" in error) return fail("The API refuses these values. See the findings.", problemsOf(error.problems, draft));
    const at = error.code === "NAME_TAKEN" ? [{ ...ON_SLUG, message: error.message }] : [];
    fail(messageOf(error), at);
  };

  // As long as nothing is changed here, the page follows what others save.
  const follows = isOutdated && !isChanged;
  useEffect(() => {
    if (!follows) return;
    let isCurrent = true;
    void load().then((saved) => {
      if (!saved || !isCurrent) return;
      follow(saved, saved.draft);
      toast("ok", "Another person saved this workflow. Their version is shown.");
    });
    return () => {
      isCurrent = false;
    };
  }, [follows, load, follow, toast]);

  const isRefused = refused.draft === draft;
  return {
    isBusy,
    problem: isRefused ? refused.problem : "",
    refused: isRefused ? refused.findings : NOT_REFUSED.findings,
    isOutdated: isOutdated && isChanged,
    theirs,
    save,
    compare,
    closeComparison: () => setTheirs(null),
    resolve: (saved, merged, said) => {
      follow(saved, merged);
      setTheirs(null);
      setRefused(NOT_REFUSED);
      toast("ok", said);
    },
  };
}

const ON_SLUG: Omit<Finding, "message"> = {
  severity: "ERROR",
  fix: "Choose another slug.",
  docs: "",
  at: NOTHING,
  field: "slug",
  cause: null,
};

function useLatestRevision(workflowId: string, base: Saved, stored: number): number {
  const [{ data = stored }] = useSubscription<WorkflowRevisionsSubscription, number, { text: string }>(
    { query: WorkflowRevisionsDocument, variables: { text: base.draft.slug } },
    (latest = stored, { workflows: update }) => {
      const listed =
        update.__typename === "WorkflowListSnapshot" ? update.workflows : update.__typename === "WorkflowChanged" ? [update.workflow] : [];
      return Math.max(latest, ...listed.filter(({ id }) => id === workflowId).map(({ revision }) => revision));
    },
  );
  return Math.max(data, stored);
}
