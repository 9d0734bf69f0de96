"use client";

import { useQuery } from "urql";
import { CredentialsDocument, ProvidersDocument, type CredentialRowFragment } from "@/gql/providers";
import { count } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { Card } from "@/ui/card";
import { PageHeader } from "@/ui/page-header";
import { Failed } from "@/ui/states";
import { Cell, Row, RowLink, Table, TableSkeleton } from "@/ui/table";
import { ProviderPage } from "./provider-page";
import type { Provider } from "./models";
import { keyState, KINDS, pathOf } from "./provider";

export function ProvidersPage() {
  const [query] = useQueryString();
  const name = query.get("name");
  const mayReadKeys = useMay("CREDENTIALS_READ");
  const [{ data, error }, again] = useQuery({ query: ProvidersDocument });
  const [{ data: stored, error: keysError }, readKeys] = useQuery({ query: CredentialsDocument, pause: !mayReadKeys, requestPolicy: "cache-and-network" });
  const entries = data?.providers ?? null;
  const keys = mayReadKeys ? (stored?.credentials ?? null) : null;
  useTitle(entries?.find((each) => each.name === name)?.displayName ?? "Providers");
  const reload = () => readKeys({ requestPolicy: "network-only" });
  const failure = error ?? (keys ? undefined : keysError);
  if (failure && (!entries || mayReadKeys)) {
    const retry = () => {
      again({ requestPolicy: "network-only" });
      if (mayReadKeys) reload();
    };
    return <Frame>{<Card><Failed problem={problemOf(failure)} onRetry={retry} /></Card>}</Frame>;
  }
  if (!entries || (mayReadKeys && !keys)) return <Frame>{<TableSkeleton what="providers" rows={8} />}</Frame>;
  if (name !== null) return <ProviderPage key={name} entries={entries.filter((each) => each.name === name)} keys={keys} reload={reload} />;
  return (
    <Frame>
      <div className="grid gap-8">
        {KINDS.map(({ kind, title }) => (
          <div key={kind}>
            <h2 className="mb-2 text-sm font-semibold">{title}</h2>
            <Entries title={title} entries={entries.filter((each) => each.kind === kind)} keys={keys} />
          </div>
        ))}
      </div>
    </Frame>
  );
}

function Frame({ children }: { children: React.ReactNode }) {
  return (
    <>
      <PageHeader title="Providers" />
      {children}
    </>
  );
}

/** Of the same widths in all tables. */
const COLUMNS = [
  { title: "Provider", className: "w-[30%]" },
  { title: "Key", className: "md:w-[24%]" },
  { title: "Models", from: "sm" },
  { title: "Languages", from: "md", className: "w-24" },
  { title: "Voices", from: "md", className: "w-20" },
] as const;

function Entries({ title, entries, keys }: { title: string; entries: readonly Provider[]; keys: readonly CredentialRowFragment[] | null }) {
  return (
    <Table label={title} columns={COLUMNS}>
      {entries.map((entry) => {
        const { label, tone } = keyState(entry, keys);
        return (
          <Row key={entry.name}>
            <Cell>
              <RowLink href={pathOf(entry.name)}>
                <span className="block font-medium">{entry.displayName}</span>
                <span className="block font-mono text-xs text-muted">{entry.name}</span>
              </RowLink>
            </Cell>
            <Cell>
              <Badge tone={tone}>{label}</Badge>
            </Cell>
            <Cell from="sm" className="max-w-72 truncate text-muted">
              {entry.models.join(", ") || "–"}
            </Cell>
            <Cell from="md">{entry.languages.length ? count(entry.languages.length) : "Any"}</Cell>
            <Cell from="md">{entry.voices.length ? count(entry.voices.length) : "–"}</Cell>
          </Row>
        );
      })}
    </Table>
  );
}
