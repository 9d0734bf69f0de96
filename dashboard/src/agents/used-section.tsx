"use client";

import { Link } from "@/ui/link";
import { useState } from "react";
import { useQuery } from "urql";
import { exactMoment, moment } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { AgentUseDocument } from "@/gql/agent";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Section } from "@/ui/section";
import { Failed, Loading, Skeleton } from "@/ui/states";

/** The workflows whose drafts have the agent. */
export function UsedSection({ id, name }: { id: string; name: string }) {
  const mayRead = useMay("WORKFLOWS_READ");
  const [pages, setPages] = useState<readonly (string | null)[]>([null]);
  return (
    <Section
      id="used"
      title="Used by"
      text="Workflows whose drafts have this agent. Published versions keep the agent as it was when they were published."
    >
      {mayRead ? (
        <ul aria-label="Workflows" className="grid gap-2">
          {pages.map((after) => (
            <Page
              key={after ?? ""}
              id={id}
              name={name}
              after={after}
              onMore={after === pages.at(-1) ? (cursor) => setPages([...pages, cursor]) : null}
            />
          ))}
        </ul>
      ) : (
        <p className="text-sm text-muted">Your role may not see workflows.</p>
      )}
    </Section>
  );
}

interface PageProps {
  id: string;
  name: string;
  after: string | null;
  onMore: ((cursor: string) => void) | null;
}

function Page({ id, name, after, onMore }: PageProps) {
  const [{ data, error }, again] = useQuery({ query: AgentUseDocument, variables: { id, after }, requestPolicy: "cache-and-network" });
  const workflows = data?.agent?.workflows;
  if (!workflows) {
    return (
      <li>
        {error ? (
          <Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} />
        ) : (
          <Loading what="workflows">
            <Skeleton className="h-14 w-full" />
          </Loading>
        )}
      </li>
    );
  }
  const { endCursor, hasNextPage } = workflows.pageInfo;
  return (
    <>
      {!after && workflows.edges.length === 0 && <li className="text-sm text-muted">No workflow uses it, so it can be deleted.</li>}
      {workflows.edges.map(({ node }) => (
        <li key={node.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border px-3.5 py-2.5 text-sm">
          <span className="min-w-0 grow">
            <Link
              href={`/workflow/?id=${encodeURIComponent(node.id)}`}
              className="inline-flex min-h-6 items-center font-medium hover:underline"
            >
              {node.name}
            </Link>
            <span className="block text-xs text-muted">
              At {node.graph.nodes.filter(({ agentName }) => agentName === name).map(({ key }) => key).join(", ") || node.slug}, edited{" "}
              <time dateTime={node.updatedAt} title={exactMoment(node.updatedAt)}>
                {moment(node.updatedAt)}
              </time>
            </span>
          </span>
          {node.published ? <Badge tone="ok">Version {node.published.number} is published</Badge> : <Badge tone="neutral">Draft</Badge>}
        </li>
      ))}
      {onMore && hasNextPage && endCursor && (
        <li>
          <Button onClick={() => onMore(endCursor)}>Show more workflows</Button>
        </li>
      )}
    </>
  );
}
