"use client";

import { useMemo } from "react";
import { useQuery } from "urql";
import { isObject } from "@/data/json";
import { useMay } from "@/data/viewer";
import { AgentCredentialsDocument, AgentDefaultsDocument, AgentProvidersDocument } from "@/gql/agent";
import type { Catalog } from "./chain";

interface Surroundings {
  readonly catalog: Catalog;
  /** The values that templates read at `tenant.settings`; null if they are not known. */
  readonly settings: Readonly<Record<string, unknown>> | null;
  readonly isFetching: boolean;
  /** Whether the catalog could not be read. */
  readonly isFailed: boolean;
}

/** What the form of an agent chooses from. What the role may not read is left out. */
export function useSurroundings(): Surroundings {
  const [mayReadSettings, mayReadCredentials] = [useMay("SETTINGS_READ"), useMay("CREDENTIALS_READ")];
  const [providers] = useQuery({ query: AgentProvidersDocument });
  const [settings] = useQuery({ query: AgentDefaultsDocument, pause: !mayReadSettings });
  const [credentials] = useQuery({ query: AgentCredentialsDocument, pause: !mayReadCredentials });
  const found = useMemo(() => {
    const labels = new Map<string, string[]>();
    for (const { provider, label } of credentials.data?.credentials ?? []) {
      if (provider && label) labels.set(provider, [...(labels.get(provider) ?? []), label]);
    }
    const values = settings.data?.settings?.values;
    return {
      catalog: {
        providers: providers.data?.providers ?? [],
        credentials: labels,
        defaults: settings.data?.settings?.defaults ?? null,
      },
      settings: isObject(values) ? values : null,
    };
  }, [providers.data, settings.data, credentials.data]);
  const isFetching = [providers, settings, credentials].some(({ fetching, data }) => fetching && !data);
  return { ...found, isFetching, isFailed: Boolean(providers.error) };
}
