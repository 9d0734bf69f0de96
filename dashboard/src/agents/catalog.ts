"use client";

import { useQuery } from "urql";
import { isObject } from "@/data/json";
import { useMay } from "@/data/viewer";
import { AgentDefaultsDocument, type AgentDefaultsQuery } from "@/gql/agent";
import { useCatalog, type Catalog } from "@/providers/catalog";

export type Defaults = NonNullable<AgentDefaultsQuery["settings"]>["defaults"];

interface Surroundings {
  readonly catalog: Catalog;
  /** The defaults of the tenant; null if they are not known. */
  readonly defaults: Defaults | null;
  /** The values that templates read at `tenant.settings`; null if they are not known. */
  readonly settings: Readonly<Record<string, unknown>> | null;
  readonly isFetching: boolean;
}

/** What the form of an agent chooses from. What the role may not read is left out. */
export function useSurroundings(): Surroundings {
  const catalog = useCatalog();
  const [{ data, fetching, error }] = useQuery({ query: AgentDefaultsDocument, pause: !useMay("SETTINGS_READ") });
  const values = data?.settings?.values;
  return {
    catalog,
    defaults: data?.settings?.defaults ?? null,
    settings: isObject(values) ? values : null,
    isFetching: catalog.isFetching || (fetching && !data && !error),
  };
}
