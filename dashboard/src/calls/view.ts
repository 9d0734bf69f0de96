// What the list of calls shows: filter, order, page and columns. All of it is in the address, so a view can be sent to
// a colleague or saved as a link.

import type { Blame, CallFilter, CallKind, CallOrder, CallSort, CallState, CallsQueryVariables, Direction, EndReason } from "@/gql/calls";
import { changed, pageOf, present, timeOf } from "@/data/page";
import { BLAMES, DIRECTIONS, KINDS, REASONS, STATES } from "@/data/words";
import type { Chip } from "@/ui/filter-chips";
import { COLUMNS, DEFAULT_COLUMNS, type ColumnName } from "./columns";

const SORTS: Record<string, CallSort> = { created: "CREATED_AT", duration: "DURATION", cost: "COST" };

/** Parameters that hold several values of an enum, separated by commas. */
const ENUMS = { state: STATES, kind: KINDS, direction: DIRECTIONS, reason: REASONS, blame: BLAMES };
const TEXTS = ["workflow", "version", "agent", "tool", "user", "phone", "since", "until", "minDuration", "maxDuration", "minCost", "maxCost"];
export const FILTER_NAMES = [...Object.keys(ENUMS), ...TEXTS, "live", "meta"] as const;

function listOf<Value extends string>(query: URLSearchParams, name: keyof typeof ENUMS): Value[] | undefined {
  const values = (query.get(name) ?? "").split(",").filter((value) => value in ENUMS[name]);
  return values.length ? (values as Value[]) : undefined;
}

const text = (query: URLSearchParams, name: string) => query.get(name)?.trim() || undefined;
const duration = (value: string | undefined) => (value && Number(value) >= 0 ? `PT${Number(value)}S` : undefined);
const amount = (value: string | undefined) => (value && Number(value) >= 0 ? value : undefined);

function range<Value>(from: Value | undefined, to: Value | undefined, names: readonly [string, string]) {
  if (from === undefined && to === undefined) return undefined;
  return present({ [names[0]]: from, [names[1]]: to });
}

export function filterOf(query: URLSearchParams): CallFilter {
  const workflow = text(query, "workflow");
  const metadata = query.getAll("meta").filter((each) => each.includes(":")).slice(0, 5);
  return present({
    states: listOf<CallState>(query, "state"),
    kinds: listOf<CallKind>(query, "kind"),
    directions: listOf<Direction>(query, "direction"),
    endReasons: listOf<EndReason>(query, "reason"),
    blames: listOf<Blame>(query, "blame"),
    workflow: workflow ? { slug: workflow } : undefined,
    versionId: text(query, "version"),
    agent: text(query, "agent"),
    tool: text(query, "tool"),
    userId: text(query, "user"),
    phoneNumber: text(query, "phone"),
    metadata: metadata.length ? metadata.map(metadataOf) : undefined,
    created: range(timeOf(text(query, "since")), timeOf(text(query, "until"), 1), ["since", "until"]),
    duration: range(duration(text(query, "minDuration")), duration(text(query, "maxDuration")), ["min", "max"]),
    cost: range(amount(text(query, "minCost")), amount(text(query, "maxCost")), ["min", "max"]),
    live: query.has("live") ? query.get("live") === "true" : undefined,
  });
}

function metadataOf(pair: string) {
  const [key = "", ...value] = pair.split(":");
  return { key, value: value.join(":") };
}

export interface Sort {
  readonly name: string;
  readonly ascending: boolean;
}

export function sortOf(query: URLSearchParams): Sort {
  const [name = "", direction] = (query.get("sort") ?? "created").split(".");
  return name in SORTS ? { name, ascending: direction === "asc" } : { name: "created", ascending: false };
}

export function variablesOf(query: URLSearchParams): CallsQueryVariables {
  const sort = sortOf(query);
  const orderBy: CallOrder = { by: SORTS[sort.name] ?? "CREATED_AT", direction: sort.ascending ? "ASC" : "DESC" };
  return { filter: filterOf(query), orderBy, ...pageOf(query) };
}

/** Live rows may appear only where a new call belongs to the top of what is shown. */
export const isTop = (query: URLSearchParams): boolean => {
  const { name, ascending } = sortOf(query);
  return name === "created" && !ascending && !query.has("after") && !query.has("before");
};

export function columnsOf(query: URLSearchParams): readonly ColumnName[] {
  const chosen = query.get("columns")?.split(",");
  return chosen ? COLUMNS.map(({ name }) => name).filter((name) => chosen.includes(name)) : DEFAULT_COLUMNS;
}

export const withoutFilter = (query: URLSearchParams) => changed(query, Object.fromEntries(FILTER_NAMES.map((name) => [name, null])));

const TITLES: Record<string, string> = {
  state: "State",
  kind: "Kind",
  direction: "Direction",
  reason: "End",
  blame: "Caused by",
  workflow: "Workflow",
  version: "Version",
  agent: "Agent",
  tool: "Tool",
  user: "User",
  phone: "Phone number",
  since: "From",
  until: "To",
  minDuration: "At least (s)",
  maxDuration: "At most (s)",
  minCost: "Costs at least $",
  maxCost: "Costs at most $",
  meta: "Metadata",
};

const valueLabel = (name: string, value: string): string => {
  const known = (ENUMS as Record<string, Record<string, string | { label: string }>>)[name]?.[value];
  return typeof known === "string" ? known : (known?.label ?? value);
};

/** What of the filter is set, each with the query without it. */
export function chipsOf(query: URLSearchParams): readonly Chip[] {
  const chips: Chip[] = [];
  for (const name of FILTER_NAMES) {
    if (name === "live" && query.has("live")) {
      chips.push({ label: query.get("live") === "true" ? "Live" : "Ended", without: changed(query, { live: null }) });
      continue;
    }
    const values = name in ENUMS ? (query.get(name) ?? "").split(",").filter(Boolean) : query.getAll(name).filter(Boolean);
    for (const value of values) {
      const rest = values.filter((each) => each !== value);
      const left = name in ENUMS ? rest.join(",") || null : rest.length ? rest : null;
      chips.push({ label: `${TITLES[name]}: ${valueLabel(name, value)}`, without: changed(query, { [name]: left }) });
    }
  }
  return chips;
}
