// Lists that the address describes: their page, and the parameters of their filter.

export const PAGE_SIZE = 25;

/** The arguments of the page of a list that the address names by a cursor. */
export function pageOf(query: URLSearchParams, size = PAGE_SIZE) {
  const [before, after] = [query.get("before"), query.get("after")];
  if (before) return { last: size, before };
  return after ? { first: size, after } : { first: size };
}

/** The order of a list that is sorted by name, or by the time of the last edit. */
export const orderOf = (query: URLSearchParams) =>
  query.get("sort") === "updated" ? ({ by: "UPDATED_AT", direction: "DESC" } as const) : ({ by: "NAME", direction: "ASC" } as const);

/** Only what is set: an empty object is a filter of everything. */
export function present<Fields extends object>(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
}

/** Days are those of the reader; `until` includes its day. */
export function timeOf(value: string | undefined, days = 0): string | undefined {
  if (!value) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}$/.test(value) ? new Date(`${value}T00:00`) : new Date(value);
  if (Number.isNaN(time.getTime())) return undefined;
  if (value.length === 10) time.setDate(time.getDate() + days);
  return time.toISOString();
}

/** Change parameters; null removes one. What changes the list goes back to its first page. */
export function changed(query: URLSearchParams, changes: Record<string, string | readonly string[] | null>): URLSearchParams {
  const next = new URLSearchParams(query);
  if (!("columns" in changes)) for (const name of ["after", "before"]) next.delete(name);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    if (typeof value === "string") next.set(name, value);
    else for (const each of value ?? []) next.append(name, each);
  }
  return next;
}
