"use client";

import { DeletedTenantsDocument } from "@/gql/tenants";
import { pageOf } from "@/data/page";
import { problemOf } from "@/data/problem";
import { saveFile } from "@/data/save-file";
import { useRead } from "@/data/use-read";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { ListSkeleton } from "@/ui/list-skeleton";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Time } from "@/ui/time";

/** The proofs of deletions. */
export function DeletedTenants({ query }: { query: URLSearchParams }) {
  const [{ data, error }, execute] = useRead({ query: DeletedTenantsDocument, variables: pageOf(query), requestPolicy: "cache-and-network" });
  const rows = data?.deletedTenants?.edges.map(({ node }) => node);
  if (!rows) {
    return error ? (
      <Card>
        <Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} />
      </Card>
    ) : (
      <ListSkeleton what="deleted tenants" />
    );
  }
  if (rows.length === 0) {
    return (
      <Card>
        <Empty icon="audit" title="No tenant was deleted">
          When the data of a tenant is deleted, a signed certificate of it is listed here.
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Card>
        <ul className="divide-y" aria-label="Deleted tenants">
          {rows.map((tenant) => (
            <li key={tenant.id} className="flex min-h-14 flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 text-sm">
              <span className="font-mono font-medium">{tenant.slug}</span>
              <span className="grow text-muted">
                deleted <Time at={tenant.deletedAt} />
                {tenant.requestedBy && `, requested by ${tenant.requestedBy}`}
              </span>
              <Button
                icon="download"
                aria-label={`Download the certificate of ${tenant.slug}`}
                onClick={() => saveFile(`${tenant.slug}-deletion.txt`, `${tenant.certificate}\n`, "text/plain")}
              >
                Certificate
              </Button>
            </li>
          ))}
        </ul>
      </Card>
      <Pager path="/tenants/" query={new URLSearchParams({ tab: "deleted" })} page={data?.deletedTenants?.pageInfo} />
    </>
  );
}
