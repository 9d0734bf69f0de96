"use client";

import { Link } from "@/ui/link";
import { useMemo } from "react";
import { useQuery, useSubscription } from "urql";
import { CallCountDocument, CallsDocument, LiveCallsDocument, type CallsQuery, type LiveCallsSubscription } from "@/gql/calls";
import { count, moment } from "@/data/format";
import { changed, PAGE_SIZE } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useNow } from "@/data/use-now";
import { useRead } from "@/data/use-read";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed, Loading, Skeleton } from "@/ui/states";
import { StartCall } from "@/shell/start-call";
import { COLUMNS, FROM, type CallRow, type Column } from "./columns";
import { merged, NO_LIVE_ROWS, withUpdate, type LiveRows } from "./live-rows";
import { Toolbar } from "./toolbar";
import { chipsOf, columnsOf, filterOf, isTop, sortOf, variablesOf } from "./view";

export function CallsPage() {
  useTitle("Calls");
  const [query, go] = useQueryString();
  return (
    <>
      <PageHeader title="Calls">
        <Count query={query} />
        <StartCall />
      </PageHeader>
      <Toolbar query={query} onGo={go} />
      <CallList key={listKey(query)} query={query} />
    </>
  );
}

/** Another filter or order is another list: what was live in the one before does not belong here. */
const listKey = (query: URLSearchParams) => JSON.stringify([filterOf(query), sortOf(query), query.get("after"), query.get("before")]);

function Count({ query }: { query: URLSearchParams }) {
  const [{ data }] = useQuery({ query: CallCountDocument, variables: { filter: filterOf(query) }, requestPolicy: "cache-and-network" });
  const total = data?.calls?.totalCount;
  return (
    <p role="status" className="h-5 text-sm text-muted">
      {total && `${total.isEstimate ? "about " : ""}${count(total.value)} ${total.value === 1 ? "call" : "calls"}`}
    </p>
  );
}

function useCalls(query: URLSearchParams) {
  const variables = useMemo(() => variablesOf(query), [query]);
  const [{ data, error, fetching }, again] = useRead({ query: CallsDocument, variables, requestPolicy: "cache-and-network" });
  const isLive = isTop(query);
  const [{ data: live = NO_LIVE_ROWS }] = useSubscription<LiveCallsSubscription, LiveRows, { filter: typeof variables.filter }>(
    { query: LiveCallsDocument, variables: { filter: variables.filter } },
    withUpdate,
  );
  const connection = data?.calls;
  const page = useMemo(() => connection?.edges.map(({ node }) => node), [connection]);
  const rows = useMemo(
    () => page && (isLive ? merged(page, live, PAGE_SIZE, connection?.pageInfo.hasNextPage ?? false) : page),
    [page, isLive, live, connection],
  );
  return { rows, error, fetching, again: () => again({ requestPolicy: "network-only" }), page: connection && rows ? neighbours(connection, rows) : undefined, since: connection?.since };
}

/** Live rows push others off the page: the next page starts after the last row that is shown. */
function neighbours({ edges, pageInfo }: NonNullable<CallsQuery["calls"]>, rows: readonly CallRow[]) {
  const last = edges.findIndex(({ node }) => node.id === rows.at(-1)?.id);
  const isPushed = last >= 0 && last < edges.length - 1;
  return isPushed ? { ...pageInfo, hasNextPage: true, endCursor: edges[last]?.cursor ?? null } : pageInfo;
}

function CallList({ query }: { query: URLSearchParams }) {
  const { rows, error, page, since, again } = useCalls(query);
  const columns: readonly Column[] = COLUMNS.filter(({ name }) => columnsOf(query).includes(name));
  if (error && !rows) return <Card><Failed problem={problemOf(error)} onRetry={again} /></Card>;
  if (!rows) return <ListSkeleton columns={columns} />;
  if (rows.length === 0) return <Card><NoCalls query={query} /></Card>;
  return (
    <>
      {since && (
        <p className="mb-3 flex items-center gap-2 text-sm text-muted">
          <Icon name="info" width={16} height={16} />
          With this filter, the list covers the calls since {moment(since)}. Set a start to go further back.
        </p>
      )}
      <CallTable rows={rows} columns={columns} query={query} />
      <Pager path="/calls/" query={changed(query, {})} page={page} />
    </>
  );
}

function NoCalls({ query }: { query: URLSearchParams }) {
  if (chipsOf(query).length > 0) {
    return (
      <Empty icon="filter" title="No call matches this filter">
        New calls that match appear here by themselves.
      </Empty>
    );
  }
  return (
    <Empty icon="calls" title="No calls yet">
      <p>Start one here, in the browser with a microphone, or with startCall of the API. It appears as soon as it begins.</p>
      <p className="mt-4">
        <a href="/talk" className={buttonClass("secondary")}>
          Talk to an agent
        </a>
      </p>
    </Empty>
  );
}

const cellClass = ({ from, isNumber }: Column) => `${from ? FROM[from] : ""} ${isNumber ? "text-right tabular-nums" : "text-left"} px-3 first:pl-4 last:pr-4`;

function CallTable({ rows, columns, query }: { rows: readonly CallRow[]; columns: readonly Column[]; query: URLSearchParams }) {
  const now = useNow(rows.some((call) => call.answeredAt && !call.endedAt));
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Calls">
        <table className="w-full text-sm whitespace-nowrap">
          <thead>
            <tr className="h-10 border-b bg-sunken text-xs text-muted">
              {columns.map((column) => (
                <Heading key={column.name} column={column} query={query} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((call) => (
              <tr key={call.id} className="relative h-11 border-b last:border-0 hover:bg-hover">
                {columns.map((column, index) => (
                  <td key={column.name} className={cellClass(column)}>
                    {index === 0 ? (
                      <Link
                        href={`/call/?id=${encodeURIComponent(call.id)}`}
                        className="flex min-h-6 items-center row-link"
                      >
                        {column.cell(call, now)}
                        <span className="sr-only">
                          , call of {call.workflow?.name ?? "a deleted workflow"}, {moment(call.createdAt)}
                        </span>
                      </Link>
                    ) : (
                      column.cell(call, now)
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function Heading({ column, query }: { column: Column; query: URLSearchParams }) {
  const [, go] = useQueryString();
  if (!column.sort) {
    return (
      <th scope="col" className={`${cellClass(column)} font-medium`}>
        {column.title}
      </th>
    );
  }
  const { name, ascending } = sortOf(query);
  const isSorted = name === column.sort;
  const next = isSorted && !ascending ? `${column.sort}.asc` : column.sort;
  return (
    <th scope="col" aria-sort={isSorted ? (ascending ? "ascending" : "descending") : undefined} className={`${cellClass(column)} font-medium`}>
      <button
        type="button"
        onClick={() => go(changed(query, { sort: next === "created" ? null : next }))}
        className={`inline-flex min-h-7 items-center gap-1 rounded hover:text-text ${isSorted ? "text-text" : ""}`}
      >
        {column.title}
        <Icon name={isSorted && ascending ? "up" : "down"} width={13} height={13} className={isSorted ? "" : "opacity-40"} />
      </button>
    </th>
  );
}

export function ListSkeleton({ columns }: { columns: readonly Column[] }) {
  return (
    <Loading what="calls">
      <div className="overflow-hidden rounded-xl border bg-surface">
        <div className="h-10 border-b bg-sunken" />
        {Array.from({ length: 12 }, (_, row) => (
          <div key={row} className="flex h-11 items-center gap-6 border-b px-4 last:border-0">
            {columns.slice(0, 6).map(({ name }) => (
              <Skeleton key={name} className="h-4 grow" />
            ))}
          </div>
        ))}
      </div>
    </Loading>
  );
}
