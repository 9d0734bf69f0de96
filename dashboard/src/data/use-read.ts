"use client";

import { useRef } from "react";
import { useQuery, type AnyVariables, type UseQueryArgs } from "urql";

/** A query whose data stays when reading it again fails: urql drops it, and the page with what is typed in it would go. */
export function useRead<Data, Variables extends AnyVariables>(args: UseQueryArgs<Variables, Data>) {
  const [state, again] = useQuery<Data, Variables>(args);
  const kept = useRef<{ key: number; data: Data } | null>(null);
  const key = state.operation?.key;
  if (state.data && key !== undefined) kept.current = { key, data: state.data };
  const data = state.data ?? (state.error && kept.current?.key === key ? kept.current?.data : undefined);
  return [{ ...state, data }, again] as const;
}
