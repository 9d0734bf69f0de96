"use client";

import { createContext, useContext, type ReactNode } from "react";
import { useQuery } from "urql";
import { ViewerDocument, type Scope, type ViewerQuery } from "@/gql/viewer";

export type Viewer = NonNullable<ViewerQuery["viewer"]>;

const Context = createContext<Viewer | null>(null);

/** The signed-in person or key; null until it is known. */
export const useViewer = () => useContext(Context);

/** Whether the viewer may do something; true while that is not known, so that nothing jumps. */
export function useMay(scope: Scope): boolean {
  const viewer = useViewer();
  return viewer === null || viewer.scopes.includes(scope);
}

/** Whether the viewer is known to have a permission: for requests that would be refused otherwise. */
export function useMayRequest(scope: Scope): boolean {
  return useContext(Context)?.scopes.includes(scope) ?? false;
}

export function ViewerProvider({ children }: { children: ReactNode }) {
  const [{ data }] = useQuery({ query: ViewerDocument });
  return <Context value={data?.viewer ?? null}>{children}</Context>;
}
