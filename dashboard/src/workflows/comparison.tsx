"use client";

import { useEffect, type ReactNode } from "react";
import type { CombinedError } from "urql";
import {
  DraftChangesDocument,
  VersionChangesDocument,
  type DiffChangeFragment,
  type DraftStateQuery,
  type VersionRowFragment,
} from "@/gql/versions";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useReadOfAddress } from "@/data/use-read";
import { controlClass } from "@/ui/field";
import { Failed, Loading, Skeleton } from "@/ui/states";
import { ChangeList } from "./change-list";
import { errorsOf, FindingList, type Finding } from "./findings";
import { RestoreButton } from "./restore";
import { useMayCompare } from "./use-draft-state";
import type { Workflow } from "./versions-page";

interface Shared {
  workflow: Workflow;
  versions: readonly VersionRowFragment[];
  onChanged(): void;
}

interface DraftProps extends Shared {
  draft: DraftStateQuery["workflow"] | undefined;
  error: CombinedError | undefined;
}

/** What the draft has that the published version, or another one, has not. */
export function DraftPanel({ workflow, versions, draft, error, onChanged }: DraftProps) {
  const { published } = workflow;
  const [query] = useQueryString();
  const from = query.get("from") ?? "";
  const mayCompare = useMayCompare();
  const [other, execute] = useReadOfAddress({
    query: DraftChangesDocument,
    variables: { id: workflow.id, from },
    pause: !from || !mayCompare,
    requestPolicy: "cache-and-network",
  });
  const revision = draft?.revision;
  useEffect(() => {
    if (from && revision) execute({ requestPolicy: "network-only" });
  }, [from, revision, execute]);
  const again = () => {
    onChanged();
    if (from) execute({ requestPolicy: "network-only" });
  };
  const others = versions.filter(({ id }) => id !== published?.id);
  const compared = from ? other.data?.workflow?.draftDiff : draft?.draftDiff;
  return (
    <Panel
      title="Draft"
      about={aboutDraft(published, others.length > 0)}
      actions={published && others.length > 0 && <CompareWith none={`version ${published.number}, which is published`} versions={others} />}
    >
      {draft && draft.findings.findings.length > 0 && <DraftFindings findings={draft.findings.findings} />}
      <Changes changes={compared?.changes} error={from ? other.error : error} none="The draft has no changes." onRetry={again} />
    </Panel>
  );
}

/** With several versions, the choice of the other side says what the draft is compared with. */
function aboutDraft(published: Workflow["published"], hasChoice: boolean): string | null {
  if (!published) return "Nothing has been published yet.";
  return hasChoice ? null : `Compared with version ${published.number}, which new calls run.`;
}

function DraftFindings({ findings }: { findings: readonly Finding[] }) {
  return (
    <div className="mb-6 grid gap-2">
      <h3 className="text-sm font-semibold">
        {errorsOf(findings).length ? "It cannot be published yet" : "Worth a look before it is published"}
      </h3>
      <FindingList findings={findings} />
    </div>
  );
}

interface VersionProps extends Shared {
  id: string;
}

/** What a version changed since the one before, or since another one. */
export function VersionPanel({ id, workflow, versions, onChanged }: VersionProps) {
  const [query] = useQueryString();
  const from = query.get("from");
  const mayCompare = useMayCompare();
  const [{ data, error }, execute] = useReadOfAddress({ query: VersionChangesDocument, variables: { id, from }, pause: !mayCompare });
  const found = data?.node?.__typename === "WorkflowVersion" ? data.node : null;
  const version = found ?? versions.find((each) => each.id === id);
  const others = versions.filter((each) => each.id !== id);
  if (data && !found) return <Panel title="There is no such version">It belongs to another workflow, or to another tenant.</Panel>;
  return (
    <Panel
      title={version ? `Version ${version.number}` : "Version"}
      about={version?.note}
      actions={
        version && (
          <>
            {others.length > 0 && <CompareWith none="the version before" versions={others} />}
            <RestoreButton workflow={workflow} version={version} onRestored={onChanged} onConflict={onChanged} />
          </>
        )
      }
    >
      <Changes
        changes={found?.diff.changes}
        error={error}
        none="There is no difference."
        onRetry={() => execute({ requestPolicy: "network-only" })}
      />
    </Panel>
  );
}

interface PanelProps {
  title: string;
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

function Panel({ title, about, actions, children }: PanelProps) {
  return (
    <section aria-label="Changes" className="rounded-xl border bg-surface shadow-soft">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-3 border-b px-5 py-4">
        <div className="min-w-0">
          <h2 className="text-base font-semibold">{title}</h2>
          {about && <p className="mt-0.5 text-sm break-words whitespace-pre-wrap text-muted">{about}</p>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      <div className="p-5">{children}</div>
    </section>
  );
}

/** Chooses the other side of the comparison, which is in the address; `none` is what is compared with otherwise. */
function CompareWith({ none, versions }: { none: string; versions: readonly VersionRowFragment[] }) {
  const [query, go] = useQueryString();
  const choose = (value: string) => {
    const next = new URLSearchParams(query);
    if (value) next.set("from", value);
    else next.delete("from");
    go(next, "replace");
  };
  return (
    <label className="flex items-center gap-2 text-sm whitespace-nowrap text-muted">
      Compared with
      <select className={`${controlClass} h-9 w-auto min-w-0`} value={query.get("from") ?? ""} onChange={({ target }) => choose(target.value)}>
        <option value="">{none}</option>
        {versions.map(({ id, number }) => (
          <option key={id} value={id}>
            version {number}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ChangesProps {
  changes: readonly DiffChangeFragment[] | undefined;
  error: CombinedError | undefined;
  none: string;
  onRetry(): void;
}

function Changes({ changes, error, none, onRetry }: ChangesProps) {
  if (!useMayCompare()) return <p className="text-sm text-muted">A comparison shows agents and tools, which your role does not include.</p>;
  if (error && !changes) return <Failed problem={problemOf(error)} onRetry={onRetry} />;
  if (!changes) {
    return (
      <Loading what="the changes">
        <ChangesSkeleton />
      </Loading>
    );
  }
  return changes.length ? <ChangeList changes={changes} /> : <p className="text-sm text-muted">{none}</p>;
}

export const ChangesSkeleton = () => (
  <div className="grid gap-4">
    {["w-40", "w-full", "w-56", "w-full"].map((width, index) => (
      <Skeleton key={index} className={`${index % 2 ? "h-20" : "h-5"} ${width}`} />
    ))}
  </div>
);
