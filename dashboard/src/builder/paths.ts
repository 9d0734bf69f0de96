// The paths that conditions can read, for completion.

import type { AgentOfPalette } from "./findings";
import type { Draft } from "./model";

export interface PathCompletion {
  readonly label: string;
  readonly detail: string;
}

export interface ToolDefinition {
  readonly name: string;
  readonly definition: unknown;
}

const FIXED: readonly PathCompletion[] = [
  ...["id", "kind", "direction", "phone_number", "from_number", "to_number", "attestation", "started_at"].map((name) => ({
    label: `call.${name}`,
    detail: "the call",
  })),
  ...["nodes", "handoffs", "previous", "turns"].map((name) => ({ label: `history.${name}`, detail: "the call so far" })),
  { label: "user.name", detail: "context of the caller" },
];

const WRITABLE = /^(workflow|flags|agent)\.[\w.]+$/;

/** The paths that the actions of a tool write, wherever they are in its definition. */
function writtenBy(definition: unknown): readonly string[] {
  if (Array.isArray(definition)) return definition.flatMap(writtenBy);
  if (typeof definition !== "object" || definition === null) return [];
  return Object.entries(definition).flatMap(([name, value]) => {
    if (name === "flag" && typeof value === "string") return [`flags.${value}`];
    if (name === "path" && typeof value === "string" && WRITABLE.test(value.replace("[+]", ""))) return [value.replace("[+]", "")];
    const stored = name === "save" && typeof value === "object" && value ? Object.keys(value).filter((path) => WRITABLE.test(path)) : [];
    return [...stored, ...writtenBy(value)];
  });
}

export function pathsOf(
  draft: Draft,
  agents: readonly AgentOfPalette[],
  tools: readonly ToolDefinition[],
  settings: unknown,
): readonly PathCompletion[] {
  const used = new Set(
    agents
      .filter(({ name }) => draft.nodes.some(({ agent }) => agent === name))
      .flatMap((agent) => agent.tools?.map(({ name }) => name) ?? []),
  );
  const written = tools
    .filter(({ name }) => used.has(name))
    .flatMap(({ name, definition }) => writtenBy(definition).map((label) => ({ label, detail: `written by ${name}` })));
  const values = typeof settings === "object" && settings ? Object.keys(settings) : [];
  const all = [
    ...written,
    ...draft.sharedContext.map((key) => ({ label: `workflow.${key}`, detail: "shared context" })),
    ...values.map((key) => ({ label: `tenant.settings.${key}`, detail: "setting of the tenant" })),
    ...FIXED,
  ];
  return all.filter(({ label }, index) => all.findIndex((other) => other.label === label) === index);
}
