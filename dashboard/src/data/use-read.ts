"use client";

import { useRef } from "react";
import { createRequest, useQuery, type AnyVariables, type UseQueryArgs } from "urql";

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
