"use client";

import { createContext, useContext, type ReactNode } from "react";
import { useQuery } from "urql";
import { ViewerDocument, type Scope, type ViewerQuery } from "@/gql/viewer";

export type Viewer = NonNullable<ViewerQuery["viewer"]>;

const Context = createContext<Viewer | null>(null);

/** The signed-in person or key; null if it could not be read. */
export const useViewer = () => useContext(Context);

/** Whether the viewer may do something; true if that could not be read, and then the API says no. */
export function useMay(scope: Scope): boolean {
  const viewer = useViewer();
  return viewer === null || viewer.scopes.includes(scope);
}

/** Waits for the viewer, so that no page requests or shows what their role does not include. */
export function ViewerProvider({ fallback, children }: { fallback: ReactNode; children: ReactNode }) {
  const [{ data, error }] = useQuery({ query: ViewerDocument });
  return <Context value={data?.viewer ?? null}>{data || error ? children : fallback}</Context>;
}
