"use client";

import { Link } from "@/ui/link";
import { useQuery, useSubscription } from "urql";
import { AgentsDocument, LiveAgentsDocument, type AgentRowFragment, type AgentsQueryVariables, type LiveAgentsSubscription } from "@/gql/agents";
import { exactMoment, moment } from "@/data/format";
import { changed, orderOf, pageOf } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useThrottled } from "@/data/use-throttled";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListFilter, ORDER, type FilterChoice } from "@/ui/list-filter";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";

const USE: FilterChoice = { label: "Show", name: "used", options: { "": "All", yes: "Used by workflows", no: "Unused" } };

function variablesOf(query: URLSearchParams): AgentsQueryVariables {
  const [search, used] = [query.get("search"), query.get("used")];
  const filter = { ...(search && { search }), ...(used && { used: used === "yes" }) };
  return { ...pageOf(query), filter, orderBy: orderOf(query) };
}

export function AgentsPage() {
  useTitle("Agents");
  const [query, go] = useQueryString();
  const mayWrite = useMay("AGENTS_WRITE");
  const variables = variablesOf(query);
  const [{ data, error }, again] = useQuery({ query: AgentsDocument, variables, requestPolicy: "cache-and-network" });
  const reload = () => again({ requestPolicy: "network-only" });
  // Edits of others arrive in the cache by themselves; what was added or removed needs the page of the list again.
  const reloadSoon = useThrottled(reload);
  useSubscription({ query: LiveAgentsDocument, variables: { filter: variables.filter } }, (_before, update: LiveAgentsSubscription) => {
    const kind = update.agents.__typename;
    if (kind === "AgentAdded" || kind === "AgentRemoved") reloadSoon();
    return update;
  });
  const rows = data?.agents?.edges.map(({ node }) => node);
  return (
    <>
      <PageHeader title="Agents">
        {mayWrite && (
          <Link href="/agent/" className={buttonClass("primary")}>
            New agent
          </Link>
        )}
      </PageHeader>
      <ListFilter what="agents" placeholder="Name of an agent" choices={[USE, ORDER]} query={query} onGo={go} />
      {error && !rows && (
        <Card>
          <Failed problem={problemOf(error)} onRetry={reload} />
        </Card>
      )}
      {!error && !rows && <AgentsSkeleton />}
      {rows?.length === 0 && <Card><NoAgents isFiltered={query.has("search") || query.has("used")} mayWrite={mayWrite} /></Card>}
      {rows && rows.length > 0 && (
        <>
          <AgentTable rows={rows} />
          <Pager path="/agents/" query={changed(query, {})} page={data?.agents?.pageInfo} />
        </>
      )}
    </>
  );
}

function NoAgents({ isFiltered, mayWrite }: { isFiltered: boolean; mayWrite: boolean }) {
  if (isFiltered) return <Empty icon="search" title="No agent fits the filter" />;
  return (
    <Empty icon="agents" title="No agents yet">
      <p>An agent is a prompt with a model, a voice and tools. Workflows join agents.</p>
      {mayWrite && (
        <p className="mt-4">
          <Link href="/agent/" className={buttonClass("primary")}>
            Describe the first agent
          </Link>
        </p>
      )}
    </Empty>
  );
}

function AgentTable({ rows }: { rows: readonly AgentRowFragment[] }) {
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Agents">
        <table className="w-full text-sm">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">Name</th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">Description</th>
              <th scope="col" className="hidden px-3 font-medium sm:table-cell">Model</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Tools</th>
              <th scope="col" className="pr-4 pl-3 font-medium">Last edited</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((agent) => (
              <tr key={agent.id} className="relative h-12 border-b last:border-0 hover:bg-hover">
                <td className="pr-3 pl-4">
                  <Link href={`/agent/?id=${encodeURIComponent(agent.id)}`} className="block row-link">
                    <span className="block font-medium">{agent.displayName ?? agent.name}</span>
                    {agent.displayName && <span className="block font-mono text-xs text-muted">{agent.name}</span>}
                  </Link>
                </td>
                <td className="hidden max-w-80 truncate px-3 text-muted md:table-cell">{agent.description ?? "–"}</td>
                <td className="hidden px-3 whitespace-nowrap sm:table-cell">{agent.llm ? agent.llm.model || agent.llm.provider : "Default"}</td>
                <td className="hidden max-w-60 truncate px-3 font-mono text-xs lg:table-cell">{agent.tools.map(({ name }) => name).join(", ") || "–"}</td>
                <td className="pr-4 pl-3 whitespace-nowrap">
                  <time dateTime={agent.updatedAt} title={exactMoment(agent.updatedAt)} className="tabular-nums">
                    {moment(agent.updatedAt)}
                  </time>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function AgentsSkeleton() {
  return (
    <Loading what="agents">
      <div className="overflow-hidden rounded-xl border bg-surface">
        <div className="h-10 border-b bg-sunken" />
        {Array.from({ length: 8 }, (_, row) => (
          <div key={row} className="flex h-12 items-center gap-6 border-b px-4 last:border-0">
            {["name", "description", "model", "edited"].map((name) => (
              <Skeleton key={name} className="h-4 grow" />
            ))}
          </div>
        ))}
      </div>
    </Loading>
  );
}
