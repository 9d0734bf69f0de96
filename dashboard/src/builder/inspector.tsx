"use client";

import { ConnectionPanel } from "./connection-panel";
import { FindingList } from "./finding-list";
import { ofConnection, ofNode, type Finding } from "./findings";
import { connectionOf, isNothing, nodeOf, oneConnection, oneNode, type Selection } from "./model";
import { NodePanel } from "./node-panel";
import { plural } from "./titles";
import type { Verification } from "./use-verification";
import { WorkflowPanel } from "./workflow-panel";

interface InspectorProps extends Omit<Parameters<typeof NodePanel>[0], "node" | "onSelectNode" | "onSelectConnection" | "onConnect"> {
  selection: Selection;
  onShow(next: Selection): void;
  onShowFinding(finding: Finding): void;
  onConnect(source: string): void;
}

/** What is selected, or else the workflow, with its findings. */
export function Inspector({ selection, findings, agents, onShow, onShowFinding, onConnect, ...panel }: InspectorProps) {
  const { draft } = panel;
  const [uid = "", ...more] = [...selection.nodes, ...selection.connections];
  if (more.length)
    return <p className="text-sm text-muted">Select one node or connection to edit it. The keys work on all that is selected.</p>;
  const node = nodeOf(draft, selection.nodes[0] ?? "");
  const connection = connectionOf(draft, selection.connections[0] ?? "");
  const own = node ? ofNode(findings, uid) : connection ? ofConnection(findings, uid) : findings;
  const onSelectNode = (next: string) => onShow(oneNode(next));
  const onSelectConnection = (next: string) => onShow(oneConnection(next));
  return (
    <div className="grid gap-4">
      {own.length > 0 && <FindingList findings={own} draft={draft} agents={agents ?? []} {...(uid ? {} : { onSelect: onShowFinding })} />}
      {node ? (
        <NodePanel
          key={uid}
          {...panel}
          node={node}
          findings={own}
          agents={agents}
          onSelectNode={onSelectNode}
          onSelectConnection={onSelectConnection}
          onConnect={() => onConnect(uid)}
        />
      ) : connection ? (
        <ConnectionPanel key={uid} {...panel} connection={connection} findings={own} onSelectNode={onSelectNode} />
      ) : (
        <WorkflowPanel {...panel} findings={findings.filter(({ at }) => isNothing(at))} onSelectConnection={onSelectConnection} />
      )}
    </div>
  );
}

interface SummaryProps {
  verification: Verification;
  findings: readonly Finding[];
  isAll: boolean;
  onShow(): void;
}

export function Summary({ verification: { state, problem }, findings, isAll, onShow }: SummaryProps) {
  const errors = findings.filter(({ severity }) => severity === "ERROR").length;
  const counts = [plural(errors, "error"), plural(findings.length - errors, "warning")].filter(Boolean).join(", ");
  const tone = errors ? "text-bad" : findings.length ? "text-warn" : "text-muted";
  return (
    <div className="flex min-h-8 flex-wrap items-center justify-between gap-2 border-b pb-2 text-sm">
      <p role="status" className={state === "FAILED" ? "text-bad" : tone}>
        {state === "FAILED" ? `Not verified: ${problem}` : state === "CHECKING" ? "Verifying…" : counts || "No findings"}
      </p>
      {!isAll && (
        <button type="button" className="min-h-7 underline" onClick={onShow}>
          {findings.length ? "Show all findings" : "Show the workflow"}
        </button>
      )}
    </div>
  );
}
