"use client";

import { Link } from "@/ui/link";
import { useEffect, useRef } from "react";
import { useSubscription } from "urql";
import { LiveWorkflowsDocument, type LiveWorkflowsSubscription } from "@/gql/workflows";
import { DraftStateDocument, WorkflowVersionsDocument, type WorkflowVersionsQuery } from "@/gql/versions";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useThrottled } from "@/data/use-throttled";
import { useTitle } from "@/data/use-title";
import { TalkButton } from "@/draft-talk/talk-drawer";
import { BackLink } from "@/ui/back-link";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { builderHref } from "./addresses";
import { ChangesSkeleton, DraftPanel, VersionPanel } from "./comparison";
import { PublishButton } from "./publish";
import { Timeline } from "./timeline";
import { useMayCompare } from "./use-draft-state";

const PAGE_SIZE = 25;
export type Workflow = NonNullable<WorkflowVersionsQuery["workflow"]>;

export function VersionsPage() {
  useTitle("Versions");
  const [query] = useQueryString();
  const id = query.get("workflow") ?? "";
  const [before, after] = [query.get("before"), query.get("after")];
  const page = before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, ...(after && { after }) };
  const [{ data, error, fetching }, execute] = useRead({
    query: WorkflowVersionsDocument,
    variables: { id, ...page },
    pause: !id,
    requestPolicy: "cache-and-network",
  });
  const again = () => execute({ requestPolicy: "network-only" });
  // A page of the list stays until the next one is there, but another workflow does not.
  const workflow = data?.workflow?.id === id ? data.workflow : null;
  const isLoading = !error && id !== "" && (!data || fetching);
  if (workflow) return <Versions key={id} workflow={workflow} onChanged={again} />;
  return (
    <>
      <BackLink href="/workflows/">Workflows</BackLink>
      <PageHeader title="Versions">{isLoading && <Skeleton className="h-9 w-72" />}</PageHeader>
      {error && (
        <Card>
          <Failed problem={problemOf(error)} onRetry={again} />
        </Card>
      )}
      {isLoading && <PageSkeleton />}
      {!error && !isLoading && <NoWorkflow />}
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

const COLUMNS = "grid items-start gap-5 xl:grid-cols-[20rem_minmax(0,1fr)]";

function PageSkeleton() {
  return (
    <Loading what="the versions">
      <div className={COLUMNS}>
        <div className="grid gap-5 rounded-xl border bg-surface p-4 shadow-soft">
          {["Draft", "Version 3", "Version 2", "Version 1"].map((name) => (
            <div key={name} className="grid gap-2">
              <Skeleton className="h-4 w-24" />
              <Skeleton className="h-3 w-40" />
            </div>
          ))}
        </div>
        <div className="rounded-xl border bg-surface shadow-soft">
          <div className="border-b px-5 py-4">
            <Skeleton className="h-6 w-32" />
          </div>
          <div className="p-5">
            <ChangesSkeleton />
          </div>
        </div>
      </div>
    </Loading>
  );
}

function Versions({ workflow, onChanged }: { workflow: Workflow; onChanged(): void }) {
  const [query] = useQueryString();
  const mayCompare = useMayCompare();
  const [{ data, error }, execute] = useRead({
    query: DraftStateDocument,
    variables: { id: workflow.id },
    pause: !mayCompare,
    requestPolicy: "cache-and-network",
  });
  const refresh = () => {
    onChanged();
    if (mayCompare) execute({ requestPolicy: "network-only" });
  };
  const refreshSoon = useThrottled(refresh);
  // Only the list of all workflows can be followed; the name narrows it to this one and its like.
  const filter = { search: workflow.slug };
  useSubscription({ query: LiveWorkflowsDocument, variables: { filter } }, (_before, update: LiveWorkflowsSubscription) => {
    const { workflows } = update;
    if (workflows.__typename === "WorkflowChanged" && workflows.workflow.id === workflow.id) refreshSoon();
    return update;
  });
  const chosen = query.get("version");
  const panel = useRef<HTMLDivElement>(null);
  // In a narrow window the changes are below the list.
  useEffect(() => {
    const box = panel.current;
    if (chosen && box && box.getBoundingClientRect().top > innerHeight / 2) box.scrollIntoView();
  }, [chosen]);
  const draft = data?.workflow ?? undefined;
  const unpublished = draft ? draft.draftDiff.changes.length : null;
  const versions = workflow.versions.edges.map(({ node }) => node);
  const shared = { workflow, versions, onChanged: refresh };
  return (
    <>
      <BackLink href="/workflows/">Workflows</BackLink>
      <PageHeader title={workflow.name}>
        <Link href={builderHref(workflow.id)} className={buttonClass("secondary")}>
          <Icon name="workflow" />
          Builder
        </Link>
        <TalkButton workflowId={workflow.id} />
        <PublishButton workflowId={workflow.id} onPublished={refresh} />
      </PageHeader>
      <div className={COLUMNS}>
        <div className="min-w-0">
          <Timeline workflow={workflow} versions={versions} unpublished={unpublished} chosen={chosen} />
          <Pager path="/versions/" query={new URLSearchParams({ workflow: workflow.id })} page={workflow.versions.pageInfo} />
        </div>
        <div ref={panel} className="min-w-0 scroll-mt-20">
          {chosen ? (
            <VersionPanel key={chosen} id={chosen} {...shared} />
          ) : (
            <DraftPanel draft={draft} error={error} {...shared} />
          )}
        </div>
      </div>
    </>
  );
}
