"use client";

import { Link } from "@/ui/link";
import { useQuery } from "urql";
import { InboundTrunksDocument } from "@/gql/inbound-trunks";
import { problemOf } from "@/data/problem";
import { usePage } from "@/data/use-page";
import { useMay } from "@/data/viewer";
import { Badge } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Cell, Row, RowLink, Table, TableSkeleton } from "@/ui/table";
import { Time } from "@/ui/time";
import { pathOf } from "./paths";

const PAGE_SIZE = 50;
const COLUMNS = [
  { title: "Name" },
  { title: "State" },
  { title: "Accepts calls from", from: "sm" },
  { title: "Numbers", from: "md" },
  { title: "Last edited", from: "lg" },
] as const;

export function InboundList() {
  const mayWrite = useMay("TELEPHONY_WRITE");
  const { variables, rest } = usePage(PAGE_SIZE);
  const [{ data, error }, again] = useQuery({ query: InboundTrunksDocument, variables, requestPolicy: "cache-and-network" });
  const rows = data?.inboundTrunks?.edges.map(({ node }) => node);
  if (error && !rows) return <Card><Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} /></Card>;
  if (!rows) return <TableSkeleton what="inbound trunks" />;
  if (!rows.length) {
    return (
      <Card>
        <Empty icon="phone" title="No inbound trunks yet">
          <p>An inbound trunk says from which networks a carrier sends the calls to your numbers.</p>
          {mayWrite && (
            <p className="mt-4">
              <Link href={pathOf("inbound")} className={buttonClass("primary")}>
                Create an inbound trunk
              </Link>
            </p>
          )}
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Table label="Inbound trunks" columns={COLUMNS}>
        {rows.map(({ id, name, isEnabled, allowedAddresses, numbers, updatedAt }) => (
          <Row key={id}>
            <Cell className="font-medium">
              <RowLink href={pathOf("inbound", id)}>{name}</RowLink>
            </Cell>
            <Cell>
              {!isEnabled ? <Badge tone="neutral">Disabled</Badge> : numbers.length ? <Badge tone="ok">Enabled</Badge> : <Badge tone="warn">No number</Badge>}
            </Cell>
            <Cell from="sm" className="max-w-64 truncate font-mono text-xs">
              {allowedAddresses.join(", ")}
            </Cell>
            <Cell from="md" className="max-w-60 truncate tabular-nums">
              {numbers.join(", ") || "–"}
            </Cell>
            <Cell from="lg">
              <Time at={updatedAt} />
            </Cell>
          </Row>
        ))}
      </Table>
      <Pager path="/phone/" query={rest} page={data?.inboundTrunks?.pageInfo} />
    </>
  );
}
