"use client";

import { useRef } from "react";
import { createRequest, useClient, useQuery, type AnyVariables, type DocumentInput, type UseQueryArgs } from "urql";
import { problemOf } from "./problem";
import type { Outcome } from "./refusal";

/** A query whose data stays when reading it again fails: urql drops it, and the page with what is typed in it would go. */
export function useRead<Data, Variables extends AnyVariables>(args: UseQueryArgs<Variables, Data>) {
  const [state, again] = useQuery<Data, Variables>(args);
  const kept = useRef<{ key: number; data: Data } | null>(null);
  const key = state.operation?.key;
  if (state.data && key !== undefined) kept.current = { key, data: state.data };
  const data = state.data ?? (state.error && kept.current?.key === key ? kept.current?.data : undefined);
  return [{ ...state, data }, again] as const;
}

/** The same without what was read with the variables before, which urql shows until the new ones are read: where the address says
    what is shown, that would be something else. */
export function useReadOfAddress<Data, Variables extends AnyVariables>(args: UseQueryArgs<Variables, Data>) {
  const [state, again] = useRead<Data, Variables>(args);
  const isRead = state.operation?.key === createRequest(args.query, args.variables as Variables).key;
  return [isRead ? state : { ...state, data: undefined, error: undefined }, again] as const;
}

/** Reads a query from the network at once, for what the list on the page may not have yet. The page shows it as well. */
export function useReadNow() {
  const client = useClient();
  return async <Data>(query: DocumentInput<Data, Record<string, never>>): Promise<Outcome<Data>> => {
    const { data, error } = await client.query<Data, Record<string, never>>(query, {}, { requestPolicy: "network-only" });
    if (data) return { ok: true, value: data };
    return { ok: false, error: { code: "", message: error ? problemOf(error).text : "Nothing was read." } };
  };
}
