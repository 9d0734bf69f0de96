"use client";

import { Link } from "@/ui/link";
import { useState, type ReactNode } from "react";
import { useQuery, useSubscription } from "urql";
import { AgentsOfToolDocument, ToolDocument, type ToolFormFragment } from "@/gql/tool";
import { LiveToolsDocument, type LiveToolsSubscription } from "@/gql/tools";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useReadOfAddress } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Button, buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { DeleteTool } from "./delete-tool";
import { ToolEditor } from "./tool-editor";

/** `?id=` is a tool, `?copy=` a tool that the new one starts from. */
export function ToolPage() {
  const [query] = useQueryString();
  const [id, source] = [query.get("id"), query.get("copy")];
  const wanted = id ?? source;
  const [{ data, error }, read] = useReadOfAddress({
    query: ToolDocument,
    variables: { id: wanted ?? "" },
    pause: !wanted,
    requestPolicy: "cache-and-network",
  });
  const again = () => read({ requestPolicy: "network-only" });
  const tool = data?.tool;
  useTitle(id ? (tool?.name ?? "Tool") : "New tool");
  if (!wanted) return <Page title="New tool">{<ToolEditor key="new" tool={null} onReload={() => undefined} />}</Page>;
  if (tool && !id) {
    return (
      <Page title={`Copy of ${tool.name}`}>
        <ToolEditor key={`copy of ${tool.id}`} tool={null} source={tool} onReload={() => undefined} />
      </Page>
    );
  }
  if (tool) {
    return (
      <Page title={tool.name} tool={tool}>
        <Edits tool={tool} onEdited={again} />
        <ToolEditor key={tool.id} tool={tool} onReload={again} />
      </Page>
    );
  }
  return <Page title="Tool">{error ? <Failed problem={problemOf(error)} onRetry={again} /> : data ? <NoTool /> : <EditorSkeleton />}</Page>;
}

function Page({ title, tool, children }: { title: string; tool?: ToolFormFragment; children: ReactNode }) {
  return (
    <>
      <Link href="/tools/" className="mb-2 inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
        <Icon name="left" width={15} height={15} />
        Tools
      </Link>
      <PageHeader title={title}>{tool && <Actions tool={tool} />}</PageHeader>
      {tool && <Users id={tool.id} />}
      {children}
    </>
  );
}

function Actions({ tool }: { tool: ToolFormFragment }) {
  const mayWrite = useMay("TOOLS_WRITE");
  const [isAsking, setAsking] = useState(false);
  if (!mayWrite) return null;
  return (
    <>
      <a href="#test" className={`${buttonClass("secondary")} xl:hidden`}>
        Test
      </a>
      <Link href={`/tool/?copy=${encodeURIComponent(tool.id)}`} className={buttonClass("secondary")}>
        Duplicate
      </Link>
      <Button onClick={() => setAsking(true)}>Delete</Button>
      <DeleteTool target={isAsking ? tool : null} onClose={() => setAsking(false)} next="/tools/" />
    </>
  );
}

/** Reads the tool again when another person saved it. The row that the subscription sends has only a part of it. */
function Edits({ tool, onEdited }: { tool: ToolFormFragment; onEdited(): void }) {
  useSubscription({ query: LiveToolsDocument, variables: { filter: { search: tool.name } } }, (_before, update: LiveToolsSubscription) => {
    if (update.tools.__typename === "ToolChanged" && update.tools.tool.id === tool.id) queueMicrotask(onEdited);
    return update;
  });
  return null;
}

function Users({ id }: { id: string }) {
  const mayRead = useMay("AGENTS_READ");
  const [{ data }] = useQuery({ query: AgentsOfToolDocument, variables: { id }, pause: !mayRead, requestPolicy: "cache-and-network" });
  if (!mayRead) return null;
  const users = data?.tool?.agents;
  const more = users ? users.totalCount.value - users.edges.length : 0;
  return (
    <p className="mb-5 min-h-6 text-sm text-muted">
      {users && users.edges.length === 0 && "No agent uses this tool."}
      {users && users.edges.length > 0 && "Used by "}
      {users?.edges.map(({ node }, index) => (
        <span key={node.id}>
          {index > 0 && ", "}
          <Link href={`/agent/?id=${encodeURIComponent(node.id)}`} className="text-accent underline">
            {node.displayName ?? node.name}
          </Link>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </p>
  );
}

function NoTool() {
  return (
    <Empty icon="tool" title="There is no such tool">
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href="/tools/" className={buttonClass("primary")}>
          Show all tools
        </Link>
      </p>
    </Empty>
  );
}

function EditorSkeleton() {
  return (
    <Loading what="the tool">
      <div className="grid gap-5 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="grid gap-5">
          <Skeleton className="h-64 w-full" />
          <Skeleton className="h-40 w-full" />
          <Skeleton className="h-56 w-full" />
        </div>
        <Skeleton className="h-80 w-full" />
      </div>
    </Loading>
  );
}
