"use client";

import { useState } from "react";
import { TenantsDocument, type TenantFilter, type TenantRowFragment, type TenantState } from "@/gql/tenants";
import { changed, pageOf, present } from "@/data/page";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useRead } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { Badge, type Tone } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Dialog } from "@/ui/dialog";
import { LinkTabs } from "@/ui/link-tabs";
import { ListFilter, type FilterChoice } from "@/ui/list-filter";
import { ListSkeleton } from "@/ui/list-skeleton";
import { PageHeader } from "@/ui/page-header";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Time } from "@/ui/time";
import { DeletedTenants } from "./deleted-tenants";
import { CreateTenant } from "./tenant-forms";
import { TenantMenu } from "./tenant-menu";

const STATES: Record<TenantState, { label: string; tone: Tone }> = {
  ACTIVE: { label: "Active", tone: "ok" },
  SUSPENDED: { label: "Suspended", tone: "warn" },
  DELETING: { label: "Being deleted", tone: "bad" },
};

const STATE: FilterChoice = {
  label: "State",
  name: "state",
  options: { "": "Any", ...Object.fromEntries(Object.entries(STATES).map(([state, { label }]) => [state, label])) },
};

const isState = (text: string | null): text is TenantState => text !== null && text in STATES;

function filterOf(query: URLSearchParams): TenantFilter {
  const state = query.get("state");
  return present({ search: query.get("search") || undefined, state: isState(state) ? state : undefined });
}

/** The tenants of the installation, for its operators. */
export function TenantsPage() {
  const [query, go] = useQueryString();
  const isDeleted = query.get("tab") === "deleted";
  useTitle(isDeleted ? "Deleted tenants" : "Tenants");
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState(0);
  return (
    <>
      <PageHeader title="Tenants">
        <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
          New tenant
        </Button>
      </PageHeader>
      <LinkTabs
        label="Parts of Tenants"
        tabs={[
          { title: "Tenants", href: "/tenants/", isCurrent: !isDeleted },
          { title: "Deleted", href: "/tenants/?tab=deleted", isCurrent: isDeleted },
        ]}
      />
      {isDeleted ? <DeletedTenants query={query} /> : <TenantList key={created} query={query} onGo={go} />}
      <Dialog open={isCreating} onOpenChange={setCreating} title="New tenant" description="It has no members yet. You get an API key of its owner, with which its first owner is invited.">
        <CreateTenant onCancel={() => setCreating(false)} onCreated={() => setCreated((count) => count + 1)} />
      </Dialog>
    </>
  );
}

interface ListProps {
  query: URLSearchParams;
  onGo(query: URLSearchParams): void;
}

function TenantList({ query, onGo }: ListProps) {
  const variables = { filter: filterOf(query), ...pageOf(query) };
  const [{ data, error }, execute] = useRead({ query: TenantsDocument, variables, requestPolicy: "cache-and-network" });
  const again = () => execute({ requestPolicy: "network-only" });
  const rows = data?.tenants?.edges.map(({ node }) => node);
  return (
    <>
      <ListFilter what="tenants" placeholder="Name of a tenant" choices={[STATE]} query={query} onGo={onGo} />
      {!rows && (error ? <Card><Failed problem={problemOf(error)} onRetry={again} /></Card> : <ListSkeleton what="tenants" />)}
      {rows?.length === 0 && <Card><Empty icon="search" title="No tenant matches" /></Card>}
      {rows && rows.length > 0 && (
        <>
          <TenantTable rows={rows} onChanged={again} />
          <Pager path="/tenants/" query={changed(query, {})} page={data?.tenants?.pageInfo} />
        </>
      )}
    </>
  );
}

function TenantTable({ rows, onChanged }: { rows: readonly TenantRowFragment[]; onChanged(): void }) {
  return (
    <Card>
      <div className="overflow-x-auto rounded-xl" tabIndex={0} role="region" aria-label="Tenants">
        <table className="w-full text-sm whitespace-nowrap">
          <thead>
            <tr className="h-10 border-b bg-sunken text-left text-xs text-muted">
              <th scope="col" className="pr-3 pl-4 font-medium">Name</th>
              <th scope="col" className="px-3 font-medium">State</th>
              <th scope="col" className="hidden px-3 font-medium md:table-cell">Quotas of its own</th>
              <th scope="col" className="hidden px-3 font-medium lg:table-cell">Created</th>
              <th scope="col" className="w-12 pr-3">
                <span className="sr-only">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((tenant) => (
              <tr key={tenant.id} className="h-13 border-b last:border-0">
                <td className="max-w-40 pr-3 pl-4 sm:max-w-72">
                  <span className="block truncate font-medium">{tenant.name}</span>
                  <span className="block truncate font-mono text-xs text-muted">{tenant.slug}</span>
                </td>
                <td className="max-w-56 px-3">
                  <Badge tone={STATES[tenant.state].tone}>{STATES[tenant.state].label}</Badge>
                  {tenant.deleteAt && (
                    <span className="block text-xs text-muted">
                      on <Time at={tenant.deleteAt} />
                    </span>
                  )}
                  {!tenant.deleteAt && <span className="block truncate text-xs text-muted">{tenant.suspensionReason}</span>}
                </td>
                <td className="hidden px-3 md:table-cell">{Object.values(tenant.quotas).filter((value) => typeof value === "number").length || "None"}</td>
                <td className="hidden px-3 lg:table-cell">
                  <Time at={tenant.createdAt} />
                </td>
                <td className="pr-3 text-right">
                  <TenantMenu tenant={tenant} onChanged={onChanged} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
