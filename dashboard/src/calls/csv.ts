import { pages, type Studio } from "agent-studio-client";
import { saveFile } from "@/data/save-file";
import { CallsDocument, type CallsQueryVariables } from "@/gql/calls";
import { COLUMNS, type CallRow, type Column, type ColumnName } from "./columns";

/** More would take minutes of the rate limit: filter by time for the rest. */
export const MAX_ROWS = 10_000;

/** A leading sign would make a spreadsheet run the value as a formula. */
const cell = (value: string) => {
  const safe = /^[=+\-@\t\r]/.test(value) && !/^[+-]?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export function csvOf(calls: readonly CallRow[], names: readonly ColumnName[]): string {
  const columns: readonly Column[] = COLUMNS.filter(({ name }) => names.includes(name));
  const lines = [["id", ...columns.map(({ name }) => name)], ...calls.map((call) => [call.id, ...columns.map(({ csv }) => csv(call))])];
  return lines.map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** All calls of the filter in its order, from the first page on. */
export async function download(studio: Studio, { filter, orderBy }: CallsQueryVariables, names: readonly ColumnName[], signal: AbortSignal) {
  const calls: CallRow[] = [];
  const variables = { filter, orderBy };
  for await (const page of pages(studio, CallsDocument, variables, { select: (data) => data.calls, pageSize: 100, signal })) {
    calls.push(...page.edges.map(({ node }) => node));
    if (calls.length >= MAX_ROWS) break;
  }
  saveFile("calls.csv", csvOf(calls, names), "text/csv");
  return calls.length;
}
