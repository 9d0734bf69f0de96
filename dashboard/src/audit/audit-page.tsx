"use client";

import { useMemo, useState } from "react";
import { AuditLogDocument, type AuditLogQuery } from "@/gql/audit";
import { moment } from "@/data/format";
import { changed } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { FilterChips } from "@/ui/filter-chips";
import { Icon } from "@/ui/icons";
import { ListSkeleton } from "@/ui/list-skeleton";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Time } from "@/ui/time";
import { AboutLog } from "./about-log";
import { useNames, type Names } from "./names";
import { Entry } from "./entry";
import { ExportLog } from "./export-log";
import { FilterDialog } from "./filter-dialog";
import { chipsOf, filtered, kindOf, variablesOf, withoutFilter } from "./view";

type Edges = NonNullable<AuditLogQuery["auditLog"]>["edges"];
const NO_EDGES: Edges = [];

export function AuditPage() {
  useTitle("Audit log");
  const [query, go] = useQueryString();
  const [isFiltering, setFiltering] = useState(false);
  const [isExporting, setExporting] = useState(false);
  const variables = useMemo(() => variablesOf(query), [query]);
  const [{ data, error }, execute] = useRead({ query: AuditLogDocument, variables, requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const edges = data?.auditLog?.edges ?? NO_EDGES;
  const entries = useMemo(() => edges.map(({ node }) => node), [edges]);
  const names = useNames(entries, query.get("actor"));
  const chips = chipsOf(query, (name, value) => {
    const sample = name === "actor" && entries.find(({ actor, actorId }) => value === actor || value === actorId);
    if (sample) return names.actor(sample);
    if (name === "actor") return names.actor({ actor: value.includes(":") ? value : "user:", actorId: value });
    const about = entries.find(({ target }) => name === "target" && target?.id === value);
    return about ? names.target(about) : `${value.slice(0, 12)}…`;
  });
  return (
    <>
      <PageHeader title="Audit log">
        <Button icon="refresh" aria-label="Read the log again" onClick={again} />
        <Button icon="filter" onClick={() => setFiltering(true)}>
          Filter{chips.length > 0 && ` (${chips.length})`}
        </Button>
        <Button icon="download" onClick={() => setExporting(true)}>
          Export…
        </Button>
      </PageHeader>
      <AboutLog />
      <div className="mb-4">
        <FilterChips chips={chips} onGo={go} cleared={withoutFilter(query)} />
      </div>
      {!data?.auditLog && (error ? <Card><Failed problem={problemOf(error)} onRetry={again} /></Card> : <ListSkeleton what="the audit log" rows={12} columns={5} />)}
      {data?.auditLog?.since && (
        <p className="mb-3 flex items-center gap-2 text-sm text-muted">
          <Icon name="info" width={16} height={16} />
          With this filter, the list covers the entries since {moment(data.auditLog.since)}. Set a start to go further back.
        </p>
      )}
      {data?.auditLog && edges.length === 0 && (
        <Card>
          <Empty icon={chips.length ? "filter" : "audit"} title={chips.length ? "No entry matches this filter" : "No entries yet"}>
            {chips.length === 0 && "Sign-ins, changes, exports and refused requests leave an entry here within a second."}
          </Empty>
        </Card>
      )}
      {edges.length > 0 && (
        <>
          <EntryTable edges={edges} query={query} names={names} onGo={go} />
          <Pager path="/audit/" query={changed(query, { entry: null })} page={data?.auditLog?.pageInfo} />
        </>
      )}
      <FilterDialog
        open={isFiltering}
        query={query}
        onOpenChange={setFiltering}
        onApply={(next) => {
          setFiltering(false);
          go(next);
        }}
      />
      <ExportLog open={isExporting} query={query} onOpenChange={setExporting} />
    </>
  );
}

interface TableProps {
  edges: Edges;
  query: URLSearchParams;
  names: Names;
  onGo(query: URLSearchParams, how?: "push" | "replace"): void;
}

function EntryTable({ edges, query, names, onGo }: TableProps) {
  const open = query.get("entry");
  /** The list that starts with this entry, which stays the same when new entries are added. */
  const linkOf = (index: number) => {
    const before = edges[index - 1]?.cursor;
    const next = new URLSearchParams(query);
    if (before) {
      next.delete("before");
      next.set("after", before);
    }
    next.set("entry", edges[index]?.node.id ?? "");
    return `${location.origin}/studio/audit/?${next}`;
  };
  const toggle = (id: string) => {
    const next = new URLSearchParams(query);
    if (open === id) next.delete("entry");
    else next.set("entry", id);
    onGo(next, "replace");
  };
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Audit log">
        <table className="w-full text-sm whitespace-nowrap">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">Time</th>
              <th scope="col" className="px-3 font-medium">What</th>
              <th scope="col" className="hidden px-3 font-medium sm:table-cell">Who</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Action</th>
              <th scope="col" className="hidden px-3 font-medium xl:table-cell">Address</th>
              <th scope="col" className="w-10 pr-3">
                <span className="sr-only">Details</span>
              </th>
            </tr>
          </thead>
          {edges.map(({ node: entry }, index) => {
            const { label, tone } = kindOf(entry.kind);
            const isOpen = open === entry.id;
            return (
              <tbody key={entry.id} className="border-b last:border-0">
                <tr className="relative h-11 hover:bg-hover">
                  <td className="pr-3 pl-4">
                    <button
                      type="button"
                      aria-expanded={isOpen}
                      onClick={() => toggle(entry.id)}
                      className="flex min-h-6 items-center row-link"
                    >
                      <Time at={entry.at} />
                      <span className="sr-only">
                        , {label} {names.target(entry)}
                      </span>
                    </button>
                  </td>
                  <td className="max-w-48 px-3 sm:max-w-72">
                    <span className="flex items-center gap-2">
                      <Badge tone={tone}>{label}</Badge>
                      <span className="truncate max-sm:hidden">{names.target(entry)}</span>
                    </span>
                    <span className="block truncate text-xs text-muted sm:hidden">{names.target(entry) || names.actor(entry)}</span>
                  </td>
                  <td className="hidden max-w-48 truncate px-3 sm:table-cell">{names.actor(entry)}</td>
                  <td className="hidden px-3 font-mono text-xs lg:table-cell">{entry.action ?? <span className="text-muted">–</span>}</td>
                  <td className="hidden px-3 text-muted tabular-nums xl:table-cell">{entry.address ?? "–"}</td>
                  <td className="pr-3 text-right">
                    <Icon name={isOpen ? "up" : "down"} width={16} height={16} className="inline text-muted" />
                  </td>
                </tr>
                {isOpen && (
                  <tr>
                    <td colSpan={6} className="p-0 whitespace-normal">
                      <Entry
                        entry={entry}
                        names={names}
                        link={linkOf(index)}
                        hrefOf={(changes) => `/audit/?${filtered(withoutFilter(query), changes)}`}
                      />
                    </td>
                  </tr>
                )}
              </tbody>
            );
          })}
        </table>
      </div>
    </Card>
  );
}
