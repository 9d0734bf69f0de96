"use client";

import Link from "next/link";
import { useEffect, useRef, type ReactNode } from "react";
import { useQuery, useSubscription } from "urql";
import { LiveWorkflowsDocument, type LiveWorkflowsSubscription } from "@/gql/workflows";
import {
  DraftStateDocument,
  PublishersDocument,
  VersionChangesDocument,
  WorkflowVersionsDocument,
  type VersionRowFragment,
  type WorkflowVersionsQuery,
} from "@/gql/versions";
import { counted } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay, useViewer } from "@/data/viewer";
import { TalkButton } from "@/draft-talk/talk-drawer";
import { BackLink } from "@/ui/back-link";
import { Badge } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { controlClass } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { Time } from "@/ui/time";
import { builderHref } from "./addresses";
import { ChangeList } from "./change-list";
import { errorsOf, FindingList } from "./findings";
import { PublishButton } from "./publish";
import { RestoreButton } from "./restore";

const PAGE_SIZE = 25;
type Workflow = NonNullable<WorkflowVersionsQuery["workflow"]>;

export function VersionsPage() {
  useTitle("Versions");
  const [query] = useQueryString();
  const id = query.get("workflow") ?? "";
  const [before, after] = [query.get("before"), query.get("after")];
  const page = before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, ...(after && { after }) };
  const [{ data, error }, execute] = useRead({
    query: WorkflowVersionsDocument,
    variables: { id, ...page },
    pause: !id,
    requestPolicy: "cache-and-network",
  });
  const again = () => execute({ requestPolicy: "network-only" });
  if (data?.workflow) return <Versions workflow={data.workflow} onChanged={again} />;
  return (
    <>
      <BackLink href="/workflows/">Workflows</BackLink>
      <PageHeader title="Versions" />
      {error ? <Card><Failed problem={problemOf(error)} onRetry={again} /></Card> : id && !data ? <PageSkeleton /> : <NoWorkflow />}
    </>
  );
}

function NoWorkflow() {
  return (
    <Empty icon="workflow" title="There is no such workflow">
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href="/workflows/" className={buttonClass("primary")}>
          Show all workflows
        </Link>
      </p>
    </Empty>
  );
}

function PageSkeleton() {
  return (
    <Loading what="the versions">
      <div className="grid gap-5 xl:grid-cols-[20rem_minmax(0,1fr)]">
        <Skeleton className="h-80 w-full" />
        <Skeleton className="h-[28rem] w-full" />
      </div>
    </Loading>
  );
}

/** The draft, and what publishing it would change. */
function useDraft(id: string) {
  const mayCompare = useMayCompare();
  const [{ data, error }, execute] = useRead({
    query: DraftStateDocument,
    variables: { id },
    pause: !mayCompare,
    requestPolicy: "cache-and-network",
  });
  return { mayCompare, draft: data?.workflow, error, reload: () => execute({ requestPolicy: "network-only" }) };
}

/** A difference shows prompts and tools. */
function useMayCompare(): boolean {
  const scopes = [useMay("AGENTS_READ"), useMay("TOOLS_READ")];
  return scopes.every(Boolean);
}

function Versions({ workflow, onChanged }: { workflow: Workflow; onChanged(): void }) {
  const [query] = useQueryString();
  const { mayCompare, draft, error, reload } = useDraft(workflow.id);
  const chosen = query.get("version");
  const versions = workflow.versions.edges.map(({ node }) => node);
  const refresh = () => {
    onChanged();
    reload();
  };
  // Only the list of all workflows can be followed; the name narrows it to this one and its like.
  const filter = { search: workflow.slug };
  useSubscription({ query: LiveWorkflowsDocument, variables: { filter } }, (_before, update: LiveWorkflowsSubscription) => {
    const { workflows } = update;
    if (workflows.__typename === "WorkflowChanged" && workflows.workflow.id === workflow.id) queueMicrotask(refresh);
    return update;
  });
  const panel = useRef<HTMLDivElement>(null);
  // In a narrow window the changes are below the list.
  useEffect(() => {
    const box = panel.current;
    if (chosen && box && box.getBoundingClientRect().top > innerHeight / 2) box.scrollIntoView();
  }, [chosen]);
  const unpublished = draft ? draft.draftDiff.changes.length : null;
  return (
    <>
      <BackLink href="/workflows/">Workflows</BackLink>
      <PageHeader title={workflow.name}>
        <Link href={builderHref(workflow.id)} prefetch={false} className={buttonClass("secondary")}>
          <Icon name="workflow" />
          Builder
        </Link>
        <TalkButton workflowId={workflow.id} />
        <PublishButton workflowId={workflow.id} onPublished={refresh} />
      </PageHeader>
      <div className="grid items-start gap-5 xl:grid-cols-[20rem_minmax(0,1fr)]">
        <div className="min-w-0">
          <Timeline workflow={workflow} versions={versions} unpublished={unpublished} chosen={chosen} />
          <Pager path="/versions/" query={new URLSearchParams({ workflow: workflow.id })} page={workflow.versions.pageInfo} />
        </div>
        <div ref={panel} className="min-w-0 scroll-mt-20">
          {chosen ? (
            <VersionPanel key={chosen} id={chosen} workflow={workflow} versions={versions} unpublished={unpublished} onChanged={refresh} />
          ) : (
            <Panel title="Draft" about={aboutDraft(workflow)}>
              {!mayCompare ? (
                <NotComparable />
              ) : error && !draft ? (
                <Failed problem={problemOf(error)} onRetry={reload} />
              ) : draft ? (
                <DraftChanges draft={draft} />
              ) : (
                <ChangesSkeleton />
              )}
            </Panel>
          )}
        </div>
      </div>
    </>
  );
}

const aboutDraft = ({ published }: Workflow) =>
  published ? `Compared with version ${published.number}, which new calls run.` : "Nothing has been published yet.";

const ROW = `block rounded-lg border border-transparent px-3 py-2.5 text-sm hover:bg-hover
  aria-[current]:border-line-strong/60 aria-[current]:bg-accent-soft`;

interface TimelineProps {
  workflow: Workflow;
  versions: readonly VersionRowFragment[];
  unpublished: number | null;
  chosen: string | null;
}

function Timeline({ workflow, versions, unpublished, chosen }: TimelineProps) {
  const [query] = useQueryString();
  const publishers = usePublishers(versions);
  const to = (version: string | null) => {
    const next = new URLSearchParams(query);
    next.delete("from");
    if (version) next.set("version", version);
    else next.delete("version");
    return `/versions/?${next}`;
  };
  return (
    <nav aria-label="Draft and versions" className="rounded-xl border bg-surface p-1.5 shadow-soft">
      <ul className="grid gap-0.5">
        <li>
          <Link href={to(null)} prefetch={false} scroll={false} aria-current={chosen ? undefined : "true"} className={ROW}>
            <span className="flex min-h-6 flex-wrap items-center gap-2 font-medium">
              Draft
              {unpublished !== null && unpublished > 0 && <Badge tone="info">{counted(unpublished, "change")}</Badge>}
              {unpublished === 0 && <Badge tone="neutral">as published</Badge>}
            </span>
            <span className="mt-0.5 block text-xs text-muted">
              Edited <Time at={workflow.updatedAt} />
            </span>
          </Link>
        </li>
        {versions.map((version) => (
          <li key={version.id}>
            <Link
              href={to(version.id)}
              prefetch={false}
              scroll={false}
              aria-current={chosen === version.id ? "true" : undefined}
              className={ROW}
            >
              <span className="flex min-h-6 flex-wrap items-center gap-2 font-medium">
                Version {version.number}
                {workflow.published?.id === version.id && <Badge tone="ok">new calls run it</Badge>}
              </span>
              {version.note && <span className="mt-0.5 line-clamp-2 break-words">{version.note}</span>}
              <span className="mt-0.5 block text-xs text-muted">
                <Time at={version.publishedAt} /> by <Publisher version={version} members={publishers} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {!versions.length && (
        <p className="px-3 pt-1 pb-3 text-sm text-muted">No version yet. You can talk to the draft; publish it for your callers.</p>
      )}
    </nav>
  );
}

type Publishers = ReadonlyMap<string, { readonly email: string; readonly name: string | null }>;

/** The members who published the versions, by the ids of these; none for a viewer who may not see members. */
function usePublishers(versions: readonly VersionRowFragment[]): Publishers {
  const may = useViewer()?.scopes.includes("MEMBERS_READ") ?? false;
  const ids = versions.map(({ id }) => id);
  const [{ data }] = useQuery({ query: PublishersDocument, variables: { ids }, pause: !may || !ids.length });
  const found = data?.nodes.flatMap((node) =>
    node?.__typename === "WorkflowVersion" && node.publisher ? [[node.id, node.publisher] as const] : [],
  );
  return new Map(found);
}

function Publisher({ version: { id, publishedBy }, members }: { version: VersionRowFragment; members: Publishers }) {
  const viewer = useViewer();
  const publisher = members.get(id);
  const stranger = publishedBy.startsWith("key:") ? "an API key" : "a member";
  const text = publishedBy === viewer?.subject ? "you" : publisher ? (publisher.name ?? publisher.email) : stranger;
  return <span title={publisher?.email ?? publishedBy}>{text}</span>;
}

function Panel({ title, about, actions, children }: { title: ReactNode; about?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section aria-label="Changes" className="rounded-xl border bg-surface shadow-soft">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-3 border-b px-5 py-4">
        <div className="min-w-0">
          <h2 className="text-base font-semibold">{title}</h2>
          {about && <div className="mt-0.5 text-sm text-muted">{about}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      <div className="p-5">{children}</div>
    </section>
  );
}

const ChangesSkeleton = () => (
  <Loading what="the changes">
    <div className="grid gap-4">
      {["w-40", "w-full", "w-56", "w-full"].map((width, index) => (
        <Skeleton key={index} className={`${index % 2 ? "h-20" : "h-5"} ${width}`} />
      ))}
    </div>
  </Loading>
);

type Draft = NonNullable<ReturnType<typeof useDraft>["draft"]>;

function DraftChanges({ draft: { draftDiff, findings } }: { draft: Draft }) {
  const count = errorsOf(findings.findings).length;
  return (
    <div className="grid gap-6">
      {findings.findings.length > 0 && (
        <div className="grid gap-2">
          <h3 className="text-sm font-semibold">{count ? "It cannot be published yet" : "Worth a look before it is published"}</h3>
          <FindingList findings={findings.findings} />
        </div>
      )}
      <Changes changes={draftDiff.changes} none="The draft is what has been published." />
    </div>
  );
}

function Changes({ changes, none }: Parameters<typeof ChangeList>[0] & { none: string }) {
  return changes.length ? <ChangeList changes={changes} /> : <p className="text-sm text-muted">{none}</p>;
}

const NotComparable = () => (
  <p className="text-sm text-muted">A comparison shows agents and tools, which your role does not include.</p>
);

interface VersionPanelProps {
  id: string;
  workflow: Workflow;
  versions: readonly VersionRowFragment[];
  unpublished: number | null;
  onChanged(): void;
}

function VersionPanel({ id, workflow, versions, unpublished, onChanged }: VersionPanelProps) {
  const [query, go] = useQueryString();
  const from = query.get("from");
  const mayCompare = useMayCompare();
  const [{ data, error }, execute] = useQuery({ query: VersionChangesDocument, variables: { id, from }, pause: !mayCompare });
  const known = versions.find((version) => version.id === id);
  const found = data?.node?.__typename === "WorkflowVersion" ? data.node : null;
  const version = found ?? known;
  const others = versions.filter((each) => each.id !== id);
  const compare = (value: string) => {
    const next = new URLSearchParams(query);
    if (value) next.set("from", value);
    else next.delete("from");
    go(next, "replace");
  };
  const again = () => execute({ requestPolicy: "network-only" });
  if (data && !found) return <Panel title="There is no such version">It belongs to another workflow, or to another tenant.</Panel>;
  return (
    <Panel
      title={version ? `Version ${version.number}` : "Version"}
      about={version?.note && <p className="break-words whitespace-pre-wrap">{version.note}</p>}
      actions={
        version && (
          <>
            {others.length > 0 && (
              <label className="flex items-center gap-2 text-sm text-muted">
                Compared with
                <select className={`${controlClass} h-9 w-auto`} value={from ?? ""} onChange={({ target }) => compare(target.value)}>
                  <option value="">the version before</option>
                  {others.map((each) => (
                    <option key={each.id} value={each.id}>
                      version {each.number}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <RestoreButton workflow={workflow} version={version} unpublished={unpublished} onRestored={onChanged} onConflict={onChanged} />
          </>
        )
      }
    >
      {!mayCompare ? (
        <NotComparable />
      ) : error && !data ? (
        <Failed problem={problemOf(error)} onRetry={again} />
      ) : found ? (
        <Changes changes={found.diff.changes} none="There is no difference." />
      ) : (
        <ChangesSkeleton />
      )}
    </Panel>
  );
}
