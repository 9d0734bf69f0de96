"use client";

import { Link } from "@/ui/link";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { useQuery, useSubscription } from "urql";
import {
  LiveToolsDocument,
  ToolsDocument,
  ToolUsersDocument,
  type LiveToolsSubscription,
  type ToolRowFragment,
  type ToolsQueryVariables,
  type ToolUsersQuery,
} from "@/gql/tools";
import { exactMoment, moment } from "@/data/format";
import { changed, orderOf, pageOf } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useThrottled } from "@/data/use-throttled";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { Button, buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListFilter, ORDER, type FilterChoice } from "@/ui/list-filter";
import { Menu, MenuItem } from "@/ui/menu";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { DeleteTool } from "./delete-tool";
import { kindOf, kindOfType } from "./step-kinds";

const USE: FilterChoice = { label: "Show", name: "used", options: { "": "All", true: "Used by an agent", false: "Not used" } };

function variablesOf(query: URLSearchParams): ToolsQueryVariables {
  const [search, used, agent] = ["search", "used", "agent"].map((name) => query.get(name));
  const filter = { ...(search && { search }), ...(agent && { agent }), ...(used && { used: used === "true" }) };
  return { ...pageOf(query), filter, orderBy: orderOf(query) };
}

export function ToolsPage() {
  useTitle("Tools");
  const [query, go] = useQueryString();
  const mayWrite = useMay("TOOLS_WRITE");
  const maySeeServers = useMay("SETTINGS_READ");
  const mayReadAgents = useMay("AGENTS_READ");
  const variables = variablesOf(query);
  const [{ data, error }, again] = useQuery({ query: ToolsDocument, variables, requestPolicy: "cache-and-network" });
  const [{ data: users }, usersAgain] = useQuery({
    query: ToolUsersDocument,
    variables,
    pause: !mayReadAgents,
    requestPolicy: "cache-and-network",
  });
  const reload = () => {
    again({ requestPolicy: "network-only" });
    if (mayReadAgents) usersAgain({ requestPolicy: "network-only" });
  };
  // Edits of others arrive in the cache by themselves; what was added or removed needs the page of the list again.
  const reloadSoon = useThrottled(reload);
  useSubscription({ query: LiveToolsDocument, variables: { filter: variables.filter } }, (_before, update: LiveToolsSubscription) => {
    const kind = update.tools.__typename;
    if (kind === "ToolAdded" || kind === "ToolRemoved") reloadSoon();
    return update;
  });
  const rows = data?.tools?.edges.map(({ node }) => node);
  return (
    <>
      <PageHeader title="Tools">
        {maySeeServers && (
          <Link href="/mcp/" className={buttonClass("secondary")}>
            MCP servers
          </Link>
        )}
        {mayWrite && (
          <Link href="/tool/" className={buttonClass("primary")}>
            New tool
          </Link>
        )}
      </PageHeader>
      <ListFilter what="tools" placeholder="Name of a tool" choices={[USE, ORDER]} query={query} onGo={go}>
        {query.has("agent") && (
          <Button icon="close" onClick={() => go(changed(query, { agent: null }))}>
            Agent {query.get("agent")}
          </Button>
        )}
      </ListFilter>
      {error && !rows && (
        <Card>
          <Failed problem={problemOf(error)} onRetry={reload} />
        </Card>
      )}
      {!error && !rows && <ToolsSkeleton />}
      {rows?.length === 0 && (
        <Card>
          <NoTools isFiltered={["search", "used", "agent"].some((name) => query.has(name))} mayWrite={mayWrite} />
        </Card>
      )}
      {rows && rows.length > 0 && (
        <>
          <ToolTable rows={rows} users={users} mayWrite={mayWrite} onDeleted={reload} />
          <Pager path="/tools/" query={changed(query, {})} page={data?.tools?.pageInfo} />
        </>
      )}
    </>
  );
}

function NoTools({ isFiltered, mayWrite }: { isFiltered: boolean; mayWrite: boolean }) {
  if (isFiltered) return <Empty icon="search" title="No tool matches" />;
  return (
    <Empty icon="tool" title="No tools yet">
      <p>A tool is a chain of steps that a model can call: requests to your servers, values of the context, hand-offs and transfers.</p>
      {mayWrite && (
        <p className="mt-4 flex flex-wrap justify-center gap-2">
          <Link href="/tool/" className={buttonClass("primary")}>
            Describe the first tool
          </Link>
          <Link href="/mcp/" className={buttonClass("secondary")}>
            Import tools of an MCP server
          </Link>
        </p>
      )}
    </Empty>
  );
}

interface TableProps {
  rows: readonly ToolRowFragment[];
  users: ToolUsersQuery | undefined;
  mayWrite: boolean;
  onDeleted(): void;
}

const MAX_KINDS = 3;

/** What the tool does, by the kinds of its steps, each once. */
function kindsOf({ actions }: ToolRowFragment): readonly string[] {
  const kinds = new Set(actions.map(({ type }) => type));
  return [...kinds].map((type) => {
    const kind = kindOfType(type);
    return kind ? kindOf(kind).label : type;
  });
}

function ToolTable({ rows, users, mayWrite, onDeleted }: TableProps) {
  const router = useRouter();
  const [deleting, setDeleting] = useState<ToolRowFragment | null>(null);
  const agentsOf = new Map(users?.tools?.edges.map(({ node }) => [node.id, node.agents]));
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Tools">
        <table className="w-full text-sm">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">
                Name
              </th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">
                Steps
              </th>
              <th scope="col" className="hidden px-3 font-medium sm:table-cell">
                Used by
              </th>
              <th scope="col" className="px-3 font-medium">
                Last edited
              </th>
              {mayWrite && (
                <th scope="col" className="w-12 pr-3">
                  <span className="sr-only">Actions</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map((tool) => (
              <tr key={tool.id} className="relative h-14 border-b last:border-0 hover:bg-hover">
                <td className="max-w-40 pr-3 pl-4 sm:max-w-72 xl:max-w-96">
                  <Link href={`/tool/?id=${encodeURIComponent(tool.id)}`} className="block row-link">
                    <span className="block truncate font-mono text-[13px] font-medium">{tool.name}</span>
                  </Link>
                  <span className="block truncate text-xs text-muted">{tool.description}</span>
                </td>
                <td className="hidden px-3 md:table-cell">
                  <Kinds tool={tool} />
                </td>
                <td className="hidden max-w-60 truncate px-3 sm:table-cell">
                  <UsedBy agents={agentsOf.get(tool.id)} />
                </td>
                <td className="px-3 whitespace-nowrap">
                  <time dateTime={tool.updatedAt} title={exactMoment(tool.updatedAt)} className="tabular-nums">
                    {moment(tool.updatedAt)}
                  </time>
                </td>
                {mayWrite && (
                  <td className="relative pr-3 text-right">
                    <Menu align="end" trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${tool.name}`} />}>
                      <MenuItem icon="copy" onSelect={() => router.push(`/tool/?copy=${encodeURIComponent(tool.id)}`)}>
                        Duplicate
                      </MenuItem>
                      <MenuItem icon="close" onSelect={() => setDeleting(tool)}>
                        Delete…
                      </MenuItem>
                    </Menu>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <DeleteTool target={deleting} onClose={() => setDeleting(null)} onDeleted={onDeleted} />
    </Card>
  );
}

function Kinds({ tool }: { tool: ToolRowFragment }) {
  const kinds = kindsOf(tool);
  return (
    <span className="flex flex-wrap items-center gap-1">
      {kinds.slice(0, MAX_KINDS).map((kind) => (
        <Badge key={kind} tone="neutral">
          {kind}
        </Badge>
      ))}
      {kinds.length > MAX_KINDS && <span className="text-xs text-muted">and {kinds.length - MAX_KINDS} more</span>}
    </span>
  );
}

type Agents = NonNullable<ToolUsersQuery["tools"]>["edges"][number]["node"]["agents"];

function UsedBy({ agents }: { agents: Agents | undefined }) {
  if (!agents) return null;
  const names = agents.edges.map(({ node }) => node.displayName ?? node.name).join(", ");
  const more = agents.totalCount.value - agents.edges.length;
  return names ? <span title={names}>{more > 0 ? `${names} and ${more} more` : names}</span> : <span className="text-muted">–</span>;
}

function ToolsSkeleton() {
  return (
    <Loading what="tools">
      <div className="overflow-hidden rounded-xl border bg-surface">
        <div className="h-10 border-b bg-sunken" />
        {Array.from({ length: 8 }, (_, row) => (
          <div key={row} className="flex h-14 items-center gap-6 border-b px-4 last:border-0">
            {["name", "steps", "used", "edited"].map((name) => (
              <Skeleton key={name} className="h-4 grow" />
            ))}
          </div>
        ))}
      </div>
    </Loading>
  );
}
