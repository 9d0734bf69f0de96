"use client";

import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { Badge } from "@/ui/badge";
import { Icon } from "@/ui/icons";
import type { Finding } from "./findings";
import { hasErrors } from "./findings";
import type { DraftNode } from "./model";
import { ENTRY_ACTIONS } from "./words";

/** Where the current conversation is, or has been. */
export type Visit = "now" | "visited";

export type StepNode = Node<
  {
    readonly step: DraftNode;
    readonly agentTitle: string;
    readonly isKnown: boolean;
    readonly findings: readonly Finding[];
    readonly visit: Visit | undefined;
  },
  "step"
>;

export function borderOf(findings: readonly Finding[]): "bad" | "warn" | "none" {
  if (!findings.length) return "none";
  return hasErrors(findings) ? "bad" : "warn";
}

const BORDERS = { bad: "border-bad", warn: "border-warn", none: "border-line-strong" } as const;
const TEXTS = { bad: "text-bad", warn: "text-warn", none: "" } as const;
const HANDLE = "size-3! border-2! border-surface! bg-line-strong!";

/** A node of the workflow on the canvas. */
export function StepCard({ data, selected, isConnectable }: NodeProps<StepNode>) {
  const { step, agentTitle, isKnown, findings, visit } = data;
  const tone = borderOf(findings);
  const [first, ...more] = findings;
  const ring = visit === "now" ? "ring-4 ring-ok/40" : selected ? "ring-2 ring-accent" : "";
  return (
    <div className={`w-56 rounded-lg border bg-surface p-3 text-left text-sm shadow-soft ${BORDERS[tone]} ${ring}`}>
      <Handle type="target" position={Position.Left} isConnectable={isConnectable} className={HANDLE} />
      <p className="truncate font-mono text-[13px] font-semibold">{step.id || "(no id)"}</p>
      <p className="mt-0.5 flex items-center gap-1.5 text-muted">
        <Icon name="agents" width={14} height={14} />
        <span className={`truncate ${isKnown ? "" : "text-bad"}`}>{agentTitle}</span>
      </p>
      <div className="mt-2 flex flex-wrap gap-1 empty:hidden">
        {visit === "now" && (
          <Badge tone="ok" live>
            Now
          </Badge>
        )}
        {visit === "visited" && <Badge tone="neutral">Visited</Badge>}
        {step.isEntry && <Badge tone="accent">Entry</Badge>}
        {step.isExit && <Badge tone="info">Exit</Badge>}
        {step.skipCondition.trim() && <Badge tone="neutral">May be skipped</Badge>}
      </div>
      {step.onEntry !== "CONVERSE" && <p className="mt-1.5 text-xs text-muted">{ENTRY_ACTIONS[step.onEntry].label}</p>}
      {first && (
        <p className={`mt-2 flex gap-1.5 text-xs ${TEXTS[tone]}`}>
          <Icon name="warning" width={14} height={14} className="mt-px" />
          <span className="line-clamp-3">
            {first.message}
            {more.length > 0 && ` And ${more.length} more.`}
          </span>
        </p>
      )}
      <Handle type="source" position={Position.Right} isConnectable={isConnectable} className={HANDLE} />
    </div>
  );
}
