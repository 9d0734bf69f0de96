"use client";

import { useState } from "react";
import { useQuery } from "urql";
import { KeysDocument, type KeyRowFragment } from "@/gql/keys";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListSkeleton } from "@/ui/list-skeleton";
import { Menu, MenuItem } from "@/ui/menu";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Time } from "@/ui/time";
import { CreateKey, RevokeKey, RotateKey } from "./key-dialogs";

const PAGE_SIZE = 25;

export function KeysPage() {
  useTitle("API keys");
  const [query] = useQueryString();
  const mayWrite = useMay("KEYS_WRITE");
  const [isCreating, setCreating] = useState(false);
  const [before, after] = [query.get("before"), query.get("after")];
  const variables = before ? { last: PAGE_SIZE, before } : after ? { first: PAGE_SIZE, after } : { first: PAGE_SIZE };
  const [{ data, error }, execute] = useQuery({ query: KeysDocument, variables, requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const rows = data?.apiKeys?.edges.map(({ node }) => node);
  return (
    <>
      <PageHeader title="API keys">
        {mayWrite && (
          <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
            New key
          </Button>
        )}
      </PageHeader>
      {error && !rows && (
        <Card>
          <Failed problem={problemOf(error)} onRetry={again} />
        </Card>
      )}
      {!error && !rows && <ListSkeleton what="API keys" />}
      {rows?.length === 0 && (
        <Card>
          <Empty icon="key" title="No keys yet">
            Programs use the API with a key. It has a role, and it can expire.
          </Empty>
        </Card>
      )}
      {rows && rows.length > 0 && (
        <>
          <KeyTable rows={rows} mayWrite={mayWrite} onChanged={again} />
          <Pager path="/keys/" query={new URLSearchParams()} page={data?.apiKeys?.pageInfo} />
        </>
      )}
      <CreateKey open={isCreating} onOpenChange={setCreating} onChanged={again} />
    </>
  );
}

const STATES: Record<string, { label: string; tone: Tone }> = {
  LIVE: { label: "In use", tone: "ok" },
  EXPIRED: { label: "Expired", tone: "neutral" },
  REVOKED: { label: "Revoked", tone: "bad" },
};

function stateOf(key: KeyRowFragment): { label: string; tone: Tone } {
  if (key.state === "LIVE" && key.replacedById) return { label: "Being replaced", tone: "warn" };
  return STATES[key.state] ?? { label: key.state, tone: "neutral" };
}

function grantOf(key: KeyRowFragment): string {
  if (key.kind === "JOIN") return "Visitors of a web page";
  return key.role ?? (key.scopes.length === 1 ? (key.scopes[0] ?? "") : `${key.scopes.length} scopes`);
}

interface TableProps {
  rows: readonly KeyRowFragment[];
  mayWrite: boolean;
  onChanged(): void;
}

function KeyTable({ rows, mayWrite, onChanged }: TableProps) {
  const [rotating, setRotating] = useState<KeyRowFragment | null>(null);
  const [revoking, setRevoking] = useState<KeyRowFragment | null>(null);
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="API keys">
        <table className="w-full text-sm whitespace-nowrap">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">Name</th>
              <th scope="col" className="px-3 font-medium">State</th>
              <th scope="col" className="hidden px-3 font-medium sm:table-cell">May</th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">Last used</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Created</th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">Expires</th>
              <th scope="col" className="w-12 pr-3">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((key) => {
              const { label, tone } = stateOf(key);
              return (
                <tr key={key.id} className="h-12 border-b last:border-0">
                  <td className="pr-3 pl-4">
                    <span className="block max-w-56 truncate font-medium">{key.name}</span>
                    <span className="block font-mono text-xs text-muted">{key.prefix}…</span>
                  </td>
                  <td className="px-3">
                    <Badge tone={tone}>{label}</Badge>
                  </td>
                  <td className="hidden px-3 sm:table-cell">{grantOf(key)}</td>
                  <td className="hidden px-3 md:table-cell">
                    <Time at={key.lastUsedAt} none="Never" />
                  </td>
                  <td className="hidden px-3 lg:table-cell">
                    <Time at={key.createdAt} />
                  </td>
                  <td className="hidden px-3 md:table-cell">
                    <Time at={key.expiresAt} none="Never" />
                  </td>
                  <td className="pr-3 text-right">
                    {mayWrite && key.state === "LIVE" && (
                      <Menu align="end" trigger={<Button kind="ghost" icon="more" aria-label={`Actions for ${key.name}`} />}>
                        {!key.replacedById && (
                          <MenuItem icon="refresh" onSelect={() => setRotating(key)}>
                            Rotate…
                          </MenuItem>
                        )}
                        <MenuItem icon="close" onSelect={() => setRevoking(key)}>
                          Revoke…
                        </MenuItem>
                      </Menu>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <RotateKey target={rotating} onClose={() => setRotating(null)} onChanged={onChanged} />
      <RevokeKey target={revoking} onClose={() => setRevoking(null)} onChanged={onChanged} />
    </Card>
  );
}
