"use client";

import { useQueryString } from "./use-query-string";

/** The page of a list that the address asks for, and the address without it. */
export function usePage(size: number) {
  const [query] = useQueryString();
  const [before, after] = [query.get("before"), query.get("after")];
  const rest = new URLSearchParams(query);
  for (const name of ["after", "before"]) rest.delete(name);
  return { variables: before ? { last: size, before } : after ? { first: size, after } : { first: size }, rest };
}
