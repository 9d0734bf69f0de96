"use client";

import { Link } from "@/ui/link";
import { useState, type FormEvent } from "react";
import { useQuery } from "urql";
import { PhoneNumberDocument, PhoneNumbersDocument, type NumberFormFragment, type RouteFault } from "@/gql/phone-numbers";
import { problemOf } from "@/data/problem";
import { usePage } from "@/data/use-page";
import { useQueryString } from "@/data/use-query-string";
import { useMay } from "@/data/viewer";
import { Badge, type Tone } from "@/ui/badge";
import { Button, buttonClass } from "@/ui/button";
import { Card } from "@/ui/card";
import { controlClass } from "@/ui/field";
import { NotRead } from "@/ui/not-read";
import { Pager } from "@/ui/pager";
import { Empty, Failed } from "@/ui/states";
import { Cell, Row, RowLink, Table, TableSkeleton } from "@/ui/table";
import { Time } from "@/ui/time";
import { pathOf } from "./paths";

const PAGE_SIZE = 100;
const E164 = /^\+\d{6,15}$/;

const FAULTS: Record<RouteFault, string> = {
  REFUSED: "Refused by LiveKit",
  LIVEKIT_UNAVAILABLE: "LiveKit unavailable",
  NO_KEEPER: "No keeper",
};

/** Why calls to a number are answered or not. */
export function answeringOf({ workflow, inboundTrunk, routeProblem }: NumberFormFragment): { label: string; tone: Tone; text: string } {
  if (!workflow) return { label: "Not answered", tone: "neutral", text: "No workflow answers calls to this number." };
  if (!workflow.published) return { label: "Not published", tone: "warn", text: `Calls are not answered until the workflow ${workflow.name} is published.` };
  if (!inboundTrunk) return { label: "No trunk", tone: "warn", text: "Calls are not answered until you choose the inbound trunk that they come from." };
  if (!inboundTrunk.isEnabled)
    return { label: "Trunk disabled", tone: "warn", text: `Calls are not answered until the inbound trunk ${inboundTrunk.name} is enabled.` };
  if (routeProblem) return { label: FAULTS[routeProblem.fault], tone: "bad", text: routeProblem.message };
  return { label: "Answered", tone: "ok", text: `Calls from the trunk ${inboundTrunk.name} run the workflow ${workflow.name}.` };
}

const digitsOf = (search: string) => search.replaceAll(/[\s()-]/g, "");

function matches({ number, label, workflow }: NumberFormFragment, search: string): boolean {
  const digits = digitsOf(search);
  const texts = [label ?? "", workflow?.name ?? "", workflow?.slug ?? ""];
  return (digits !== "" && number.includes(digits)) || texts.some((text) => text.toLowerCase().includes(search.toLowerCase()));
}

export function NumberList() {
  const [query] = useQueryString();
  const { variables, rest } = usePage(PAGE_SIZE);
  const search = query.get("search") ?? "";
  const [{ data, error }, again] = useQuery({ query: PhoneNumbersDocument, variables, requestPolicy: "cache-and-network" });
  // A complete number is found wherever it is in the list.
  const exact = E164.test(digitsOf(search)) ? digitsOf(search) : "";
  const [{ data: found, error: unfound, fetching }, findAgain] = useQuery({
    query: PhoneNumberDocument,
    variables: { by: { number: exact } },
    pause: !exact,
    requestPolicy: "cache-and-network",
  });
  // The result of the previous search stays until the next one is there.
  const match = found?.phoneNumber?.number === exact ? found.phoneNumber : null;
  const all = data?.phoneNumbers?.edges.map(({ node }) => node);
  const page = data?.phoneNumbers?.pageInfo;
  const rows = match ? [match] : all?.filter((number) => matches(number, search));
  if (error && !all) return <Card><Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} /></Card>;
  if (!all || !rows || (exact && fetching && !rows.length)) return <TableSkeleton what="phone numbers" />;
  if (all.length === 0 && !query.has("after")) return <Card><NoNumbers /></Card>;
  return (
    <>
      <Search key={search} />
      {unfound && exact && (
        <div className="mb-4">
          <NotRead what={`The number ${exact}`} error={unfound} onRetry={() => findAgain({ requestPolicy: "network-only" })} />
        </div>
      )}
      {rows.length === 0 ? (
        <Card>
          <Empty icon="search" title="No number matches">
            {(page?.hasNextPage || page?.hasPreviousPage) && "Only this page of the list was searched. A complete number, such as +12025550123, is found on every page."}
          </Empty>
        </Card>
      ) : (
        <NumberTable rows={rows} />
      )}
      <Pager path="/phone/" query={rest} page={page} />
    </>
  );
}

function Search() {
  const [query, go] = useQueryString();
  const [text, setText] = useState(query.get("search") ?? "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    go(text.trim() ? new URLSearchParams({ search: text.trim() }) : new URLSearchParams());
  };
  return (
    <form role="search" className="mb-4 flex flex-wrap items-center gap-2" onSubmit={submit}>
      <input
        type="search"
        aria-label="Search numbers by digits, label or workflow"
        placeholder="Digits, label or workflow"
        value={text}
        onChange={(event) => setText(event.target.value)}
        className={`${controlClass} h-9 max-w-64`}
      />
      <Button type="submit" icon="search">
        Search
      </Button>
    </form>
  );
}

function NoNumbers() {
  const mayWrite = useMay("TELEPHONY_WRITE");
  return (
    <Empty icon="phone" title="No phone numbers yet">
      <p>Create an inbound trunk for your carrier, and then the numbers whose calls it sends. A workflow answers them.</p>
      {mayWrite && (
        <p className="mt-4 flex flex-wrap justify-center gap-2">
          <Link href={pathOf("inbound")} className={buttonClass("secondary")}>
            Create an inbound trunk
          </Link>
          <Link href={pathOf("number")} className={buttonClass("primary")}>
            Create a number
          </Link>
        </p>
      )}
    </Empty>
  );
}

const COLUMNS = [
  { title: "Number" },
  { title: "Calls" },
  { title: "Answered by", from: "sm" },
  { title: "Inbound trunk", from: "md" },
  { title: "Shown by", from: "lg" },
  { title: "Last edited", from: "lg" },
] as const;

function NumberTable({ rows }: { rows: readonly NumberFormFragment[] }) {
  return (
    <Table label="Phone numbers" columns={COLUMNS}>
      {rows.map((number) => {
        const { label, tone, text } = answeringOf(number);
        return (
          <Row key={number.id}>
            <Cell className="whitespace-nowrap">
              <RowLink href={pathOf("number", number.id)}>
                <span className="block font-medium tabular-nums">{number.number}</span>
                {number.label && <span className="block max-w-48 truncate text-xs text-muted">{number.label}</span>}
              </RowLink>
            </Cell>
            <Cell>
              <span title={text}>
                <Badge tone={tone}>{label}</Badge>
              </span>
            </Cell>
            <Cell from="sm">{number.workflow?.name ?? "–"}</Cell>
            <Cell from="md">{number.inboundTrunk?.name ?? "–"}</Cell>
            <Cell from="lg">{number.outboundTrunk?.name ?? "–"}</Cell>
            <Cell from="lg">
              <Time at={number.updatedAt} />
            </Cell>
          </Row>
        );
      })}
    </Table>
  );
}
