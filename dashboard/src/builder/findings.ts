// The findings of verification, and the problems of refused values, at the part of the draft that they are about.

import type { VerifyWorkflowQuery } from "@/gql/builder";
import { NOTHING, oneConnection, type Draft, type Selection } from "./model";

export type ApiFinding = NonNullable<VerifyWorkflowQuery["verifyWorkflow"]>["findings"][number];

export interface Finding {
  readonly severity: "ERROR" | "WARNING";
  readonly message: string;
  readonly fix: string;
  /** Path of the documentation on the host of the API; empty if there is none. */
  readonly docs: string;
  readonly at: Selection;
  /** The field of the node, connection or workflow; empty for all of it. */
  readonly field: string;
  /** The name of the agent or the tool in which the cause is. */
  readonly cause: { readonly kind: "agent" | "tool"; readonly name: string } | null;
}

export interface AgentOfPalette {
  readonly id: string;
  readonly name: string;
  readonly displayName: string | null;
  readonly description: string | null;
  /** Undefined if they may not be read. */
  readonly tools?: readonly { readonly name: string }[];
}

interface Anchor {
  readonly at: Selection;
  readonly field: string;
  readonly cause: Finding["cause"];
}

/** Where a path such as `["nodes", "2", "agent"]` leads in the draft that was sent. */
function anchorOf([kind = "", key = "", field = ""]: readonly string[], draft: Draft, agents: readonly AgentOfPalette[]): Anchor {
  const nodesOf = (has: (agent: string) => boolean): Selection => ({
    nodes: draft.nodes.filter((node) => has(node.agent)).map(({ uid }) => uid),
    connections: [],
  });
  const node = kind === "nodes" ? draft.nodes[Number(key)] : undefined;
  if (node) return { at: { nodes: [node.uid], connections: [] }, field, cause: null };
  const connection = kind === "connections" ? draft.connections[Number(key)] : undefined;
  if (connection) return { at: oneConnection(connection.uid), field, cause: null };
  if (kind === "agents") return { at: nodesOf((agent) => agent === key), field, cause: { kind: "agent", name: key } };
  if (kind === "tools") {
    const users = agents.filter(({ tools }) => tools?.some(({ name }) => name === key)).map(({ name }) => name);
    return { at: nodesOf((agent) => users.includes(agent)), field, cause: { kind: "tool", name: key } };
  }
  return { at: NOTHING, field: key && Number.isNaN(Number(key)) ? `${kind}.${key}` : kind, cause: null };
}

export function findingsOf(found: readonly ApiFinding[], draft: Draft, agents: readonly AgentOfPalette[]): readonly Finding[] {
  return found.map(({ path, severity, message, fix, docs }) => ({ severity, message, fix, docs, ...anchorOf(path, draft, agents) }));
}

/** The problems of values that the API refuses; the first part of a path is the argument. */
export function problemsOf(found: readonly { message: string; path: readonly string[] }[], draft: Draft): readonly Finding[] {
  return found.map(({ path, message }) => ({ severity: "ERROR", message, fix: "", docs: "", ...anchorOf(path.slice(1), draft, []) }));
}

export const ofNode = (findings: readonly Finding[], uid: string) => findings.filter(({ at }) => at.nodes.includes(uid));
export const ofConnection = (findings: readonly Finding[], uid: string) => findings.filter(({ at }) => at.connections.includes(uid));
/** Errors of a field; a warning does not make its value wrong. */
const errorsAt = (findings: readonly Finding[], field: string) =>
  findings.filter((finding) => finding.field === field && finding.severity === "ERROR");
export const messageAt = (findings: readonly Finding[], field: string) => errorsAt(findings, field)[0]?.message;
export const hasErrors = (findings: readonly Finding[]) => findings.some(({ severity }) => severity === "ERROR");

const CHARACTER = /\(character (\d+)\)/;

/** The marks in a condition: at the character that a message names, else under all of the text. */
export function marksAt(findings: readonly Finding[], field: string, text: string) {
  return errorsAt(findings, field).map(({ message }) => {
    const from = Math.min(Number(CHARACTER.exec(message)?.[1] ?? 1) - 1, Math.max(0, text.length - 1));
    return { from, to: text.length, message };
  });
}
