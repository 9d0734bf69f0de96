"use client";

import { useStudio } from "agent-studio-client/react";
import { useState } from "react";
import { RestoreWorkflowDocument, type VersionRowFragment } from "@/gql/versions";
import { counted } from "@/data/format";
import { messageOf, problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Check } from "@/ui/check";
import { Dialog } from "@/ui/dialog";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { FindingList, type Finding } from "./findings";
import { useDraftState, useMayCompare } from "./use-draft-state";

interface Props {
  workflow: { readonly id: string; readonly revision: number };
  version: VersionRowFragment;
  onRestored(): void;
  /** The draft is not what the page shows. */
  onConflict(): void;
}

/** Makes an earlier version the draft again. */
export function RestoreButton(props: Props) {
  const [isOpen, setOpen] = useState(false);
  const scopes = [useMay("WORKFLOWS_WRITE"), useMay("AGENTS_WRITE"), useMay("TOOLS_WRITE")];
  if (!scopes.every(Boolean)) return null;
  const { number } = props.version;
  return (
    <>
      <Button icon="history" onClick={() => setOpen(true)}>
        Restore…
      </Button>
      <Dialog
        open={isOpen}
        onOpenChange={setOpen}
        title={`Restore version ${number}?`}
        description={`The draft becomes version ${number} again, with its agents and tools, also where other workflows use them.`}
      >
        <Restore {...props} onCancel={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Restore({ workflow, version, onRestored, onConflict, onCancel }: Props & { onCancel(): void }) {
  const studio = useStudio();
  const toast = useToast();
  const mayCompare = useMayCompare();
  const draft = useDraftState(workflow.id, !mayCompare);
  // Where the draft may not be compared. The page follows the edits of others, but only what was there when the dialog was opened
  // may be overwritten.
  const [seen, setSeen] = useState(workflow.revision);
  const [publish, setPublish] = useState(false);
  const [problem, setProblem] = useState("");
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  const [isBusy, setBusy] = useState(false);

  if (draft.error) return <Failed problem={problemOf(draft.error)} onRetry={draft.load} />;
  /** How many changes of the draft are not published and would be lost; null if that is not known. */
  const unpublished = draft.workflow ? draft.workflow.draftDiff.changes.length : null;

  const restore = async () => {
    setBusy(true);
    setProblem("");
    const input = { id: workflow.id, versionId: version.id, expectedRevision: draft.workflow?.revision ?? seen, publish };
    const result = await studio.mutate(RestoreWorkflowDocument, { input });
    setBusy(false);
    if (result.ok) {
      const published = result.value.version;
      const also = published ? `, and published as version ${published.number}` : "";
      toast("ok", `Version ${version.number} was restored as the draft${also}.`);
      onCancel();
      return onRestored();
    }
    if ("findings" in result.error) setFindings(result.error.findings);
    if (!("current" in result.error)) return setProblem(messageOf(result.error));
    setSeen(result.error.current);
    setProblem("Another person edited the draft meanwhile. Restoring overwrites their changes, too: restore again if you want that.");
    draft.load();
    onConflict();
  };

  return (
    <div className="mt-4 grid gap-4">
      {problem && <Notice tone="bad">{problem}</Notice>}
      {findings.length > 0 && <FindingList findings={findings} />}
      {draft.isLoading && (
        <Loading what="the changes of the draft">
          <Skeleton className="h-12 w-full" />
        </Loading>
      )}
      {!draft.isLoading && unpublished !== 0 && (
        <Notice tone="warn">
          {unpublished === null
            ? "Changes of the draft that are not published would be lost."
            : `The draft has ${counted(unpublished, "change")} that would be lost: publish first to keep the draft as a version.`}
        </Notice>
      )}
      <Check
        label="Publish it at once, so that new calls run it"
        checked={publish}
        onChange={({ target }) => setPublish(target.checked)}
      />
      <div className="flex justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button kind={unpublished === 0 ? "primary" : "danger"} busy={isBusy} aria-disabled={draft.isLoading} onClick={() => void restore()}>
          Restore
        </Button>
      </div>
    </div>
  );
}
