"use client";

import { changed, pageOf } from "./page";
import { useQueryString } from "./use-query-string";

/** The page of a list that the address asks for, and the address without it. */
export function usePage(size: number) {
  const [query] = useQueryString();
  return { variables: pageOf(query, size), rest: changed(query, {}) };
}
