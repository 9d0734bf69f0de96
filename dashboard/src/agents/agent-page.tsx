"use client";

import { Link } from "@/ui/link";
import { useStudio } from "agent-studio-client/react";
import { useState, type ReactNode } from "react";
import { problemOf } from "@/data/problem";
import { useQueryString } from "@/data/use-query-string";
import { useReadOfAddress } from "@/data/use-read";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { AgentDocument, DeleteAgentDocument, type AgentFormFragment } from "@/gql/agent";
import { Button, buttonClass } from "@/ui/button";
import { ConfirmDelete } from "@/ui/confirm-delete";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Empty, Failed } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { AgentForm, agentPath } from "./agent-form";
import { FormSkeleton } from "./skeleton";

/** An agent, a new one, or with `copy` a new one that begins as the copy of another. */
export function AgentPage() {
  const [query] = useQueryString();
  const id = query.get("id");
  const wanted = id ?? query.get("copy");
  const [{ data, error }, again] = useReadOfAddress({
    query: AgentDocument,
    variables: { id: wanted ?? "" },
    pause: !wanted,
    requestPolicy: "cache-and-network",
  });
  const reload = () => again({ requestPolicy: "network-only" });
  const agent = wanted ? data?.agent : null;
  useTitle(id ? (agent?.displayName ?? agent?.name ?? "Agent") : "New agent");
  if (!wanted) {
    return (
      <Page title="New agent">
        <AgentForm key="new" agent={null} onReload={() => undefined} />
      </Page>
    );
  }
  if (agent && id) {
    return (
      <Page title={agent.displayName ?? agent.name} actions={<Actions agent={agent} />}>
        <AgentForm key={agent.id} agent={agent} onReload={reload} />
      </Page>
    );
  }
  if (agent) {
    return (
      <Page title={`Copy of ${agent.displayName ?? agent.name}`}>
        <AgentForm key={`copy of ${agent.id}`} agent={null} source={agent} onReload={() => undefined} />
      </Page>
    );
  }
  return <Page title="Agent">{error ? <Failed problem={problemOf(error)} onRetry={reload} /> : data ? <NoAgent /> : <FormSkeleton />}</Page>;
}

function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="max-w-[60rem]">
      <Link href="/agents/" className="mb-2 inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
        <Icon name="left" width={15} height={15} />
        Agents
      </Link>
      <PageHeader title={title}>{actions}</PageHeader>
      {children}
    </div>
  );
}

function NoAgent() {
  return (
    <Empty icon="agents" title="There is no such agent">
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href="/agents/" className={buttonClass("primary")}>
          Show all agents
        </Link>
      </p>
    </Empty>
  );
}

function Actions({ agent }: { agent: AgentFormFragment }) {
  const studio = useStudio();
  const toast = useToast();
  const mayWrite = useMay("AGENTS_WRITE");
  const [isAsking, setAsking] = useState(false);
  if (!mayWrite) return null;
  return (
    <>
      <Link href={`/agent/?copy=${encodeURIComponent(agent.id)}`} className={buttonClass("secondary")}>
        <Icon name="copy" />
        Duplicate
      </Link>
      <Button onClick={() => setAsking(true)}>Delete</Button>
      <ConfirmDelete
        open={isAsking}
        onClose={() => setAsking(false)}
        title={`Delete ${agent.displayName ?? agent.name}?`}
        description="Published versions of workflows keep their copy of the agent, and calls that run continue."
        confirm="Delete the agent"
        inUse={
          <Link href={`${agentPath(agent.id)}#used`} replace className="inline-block min-h-6 underline" onClick={() => setAsking(false)}>
            Show where
          </Link>
        }
        remove={() => studio.mutate(DeleteAgentDocument, { input: { id: agent.id } })}
        onRemoved={() => toast("ok", `The agent ${agent.name} was deleted.`)}
        next="/agents/"
      />
    </>
  );
}
