"use client";

import { Link } from "@/ui/link";
import { useQuery } from "urql";
import { OutboundTrunksDocument, type OutboundTrunkFormFragment } from "@/gql/outbound-trunks";
import { count } from "@/data/format";
import { problemOf } from "@/data/problem";
import { usePage } from "@/data/use-page";
import { useMay } from "@/data/viewer";
import { Badge, type Tone } from "@/ui/badge";
import { buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Cell, Row, RowLink, Table, TableSkeleton } from "@/ui/table";
import { pathOf } from "./paths";

const PAGE_SIZE = 50;

function stateOf({ isEnabled, pause, callerIds, usage }: OutboundTrunkFormFragment): { label: string; tone: Tone } {
  if (!isEnabled) return { label: "Disabled", tone: "neutral" };
  if (pause) return { label: "Paused", tone: "bad" };
  if (!callerIds.length) return { label: "No number", tone: "warn" };
  if (usage.isNearLimit) return { label: "Near a limit", tone: "warn" };
  return { label: "Ready", tone: "ok" };
}

const COLUMNS = [
  { title: "Name" },
  { title: "State" },
  { title: "Address", from: "sm" },
  { title: "Region", from: "md" },
  { title: "Calls today", from: "md" },
  { title: "Numbers", from: "lg" },
] as const;

export function OutboundList() {
  const mayWrite = useMay("TELEPHONY_WRITE");
  const { variables, rest } = usePage(PAGE_SIZE);
  const [{ data, error }, again] = useQuery({ query: OutboundTrunksDocument, variables, requestPolicy: "cache-and-network" });
  const rows = data?.outboundTrunks?.edges.map(({ node }) => node);
  if (error && !rows) return <Card><Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} /></Card>;
  if (!rows) return <TableSkeleton what="outbound trunks" />;
  if (!rows.length) {
    return (
      <Card>
        <Empty icon="phone" title="No outbound trunks yet">
          <p>An outbound trunk is a carrier over which agents dial numbers. It limits where and how much may be dialled.</p>
          {mayWrite && (
            <p className="mt-4">
              <Link href={pathOf("outbound")} className={buttonClass("primary")}>
                Create an outbound trunk
              </Link>
            </p>
          )}
        </Empty>
      </Card>
    );
  }
  return (
    <>
      <Table label="Outbound trunks" columns={COLUMNS}>
        {rows.map((trunk) => {
          const { label, tone } = stateOf(trunk);
          return (
            <Row key={trunk.id}>
              <Cell className="font-medium">
                <RowLink href={pathOf("outbound", trunk.id)}>{trunk.name}</RowLink>
              </Cell>
              <Cell>
                <Badge tone={tone}>{label}</Badge>
              </Cell>
              <Cell from="sm" className="max-w-64 truncate font-mono text-xs">
                {trunk.address}
              </Cell>
              <Cell from="md">{[trunk.region, ...trunk.allowedRegions].join(", ")}</Cell>
              <Cell from="md" className="tabular-nums">
                {count(trunk.usage.callsToday)} of {count(trunk.limits.callsPerDay)}
              </Cell>
              <Cell from="lg" className="max-w-60 truncate tabular-nums">
                {trunk.callerIds.join(", ") || "–"}
              </Cell>
            </Row>
          );
        })}
      </Table>
      <Pager path="/phone/" query={rest} page={data?.outboundTrunks?.pageInfo} />
    </>
  );
}
