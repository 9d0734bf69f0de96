"use client";

import { Link } from "@/ui/link";
import { Icon } from "@/ui/icons";
import { idOf, nameOf, connectionOf, type Draft } from "./model";
import type { AgentOfPalette, Finding } from "./findings";

/** The name of the part of the workflow that a finding is about. */
function placeOf({ at, cause }: Finding, draft: Draft): string {
  if (cause) return `${cause.kind === "agent" ? "Agent" : "Tool"} ${cause.name}`;
  const [node] = at.nodes;
  if (node !== undefined) return `Node ${idOf(draft, node)}`;
  const connection = connectionOf(draft, at.connections[0] ?? "");
  return connection ? `Connection ${nameOf(draft, connection)}` : "Workflow";
}

interface Props {
  findings: readonly Finding[];
  draft: Draft;
  agents: readonly AgentOfPalette[];
  /** Without it, the findings are those of what is already selected. */
  onSelect?: (finding: Finding) => void;
}

export function FindingList({ findings, draft, agents, onSelect }: Props) {
  return (
    <ul className="grid gap-2">
      {findings.map((finding, index) => (
        <li key={index} className="rounded-md border p-2.5 text-sm">
          <p className={`flex gap-2 font-medium ${finding.severity === "ERROR" ? "text-bad" : "text-warn"}`}>
            <Icon name="warning" width={16} height={16} className="mt-0.5" />
            <span className="min-w-0">
              {finding.severity === "ERROR" ? "Error" : "Warning"}
              {onSelect && (
                <>
                  {" · "}
                  <button type="button" className="min-h-6 text-left break-all underline" onClick={() => onSelect(finding)}>
                    {placeOf(finding, draft)}
                  </button>
                </>
              )}
            </span>
          </p>
          <p className="mt-1 break-words">{finding.message}</p>
          {finding.fix && <p className="mt-1 text-muted">{finding.fix}</p>}
          <Links finding={finding} agents={agents} />
        </li>
      ))}
    </ul>
  );
}

function Links({ finding: { cause, docs }, agents }: { finding: Finding; agents: readonly AgentOfPalette[] }) {
  const agent = cause?.kind === "agent" ? agents.find(({ name }) => name === cause.name) : undefined;
  if (!agent && !docs) return null;
  return (
    <p className="mt-1 flex flex-wrap gap-x-4">
      {agent && (
        <Link href={`/agent/?id=${encodeURIComponent(agent.id)}`} className="inline-flex min-h-6 items-center underline">
          Open the agent
        </Link>
      )}
      {docs && (
        <a href={docs} className="inline-flex min-h-6 items-center underline">
          Documentation
        </a>
      )}
    </p>
  );
}
