// How what is selected is named.

import { connectionOf, idOf, isNothing, nameOf, type Draft, type Selection } from "./model";

export const plural = (count: number, word: string) => (count ? `${count} ${word}${count === 1 ? "" : "s"}` : "");

export function titleOf(draft: Draft, selection: Selection): string {
  if (isNothing(selection)) return "Workflow";
  const text = summaryOf(draft, selection);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function summaryOf(draft: Draft, { nodes, connections }: Selection): string {
  const connection = connectionOf(draft, connections[0] ?? "");
  if (nodes.length === 1 && !connection) return `node ${idOf(draft, nodes[0] ?? "")}`;
  if (connection && connections.length === 1 && !nodes.length) return `connection ${nameOf(draft, connection)}`;
  return [plural(nodes.length, "node"), plural(connections.length, "connection")].filter(Boolean).join(" and ");
}
