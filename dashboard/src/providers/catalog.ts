"use client";

import { useMemo } from "react";
import { useQuery, type CombinedError } from "urql";
import { useMay } from "@/data/viewer";
import { CredentialsDocument, ProvidersDocument } from "@/gql/providers";
import type { Provider } from "./models";

export interface Catalog {
  readonly providers: readonly Provider[];
  /** The labels of the tenant's credentials, by provider. */
  readonly credentials: ReadonlyMap<string, readonly string[]>;
  /** The names of the tenant's credentials: a provider, followed by a slash and a label if it has one. Null if the role may not read them. */
  readonly keys: ReadonlySet<string> | null;
  /** It is read for the first time. */
  readonly isFetching: boolean;
  readonly error: CombinedError | undefined;
  reload(): void;
}

/** What forms choose providers from. Labels that the role may not read are left out. */
export function useCatalog(): Catalog {
  const mayReadCredentials = useMay("CREDENTIALS_READ");
  const [providers, readProviders] = useQuery({ query: ProvidersDocument });
  const [credentials, readCredentials] = useQuery({ query: CredentialsDocument, pause: !mayReadCredentials });
  const labels = useMemo(() => {
    const found = new Map<string, string[]>();
    for (const { provider, label } of credentials.data?.credentials ?? []) {
      if (provider && label) found.set(provider, [...(found.get(provider) ?? []), label]);
    }
    return found;
  }, [credentials.data]);
  const keys = useMemo(() => credentials.data?.credentials && new Set(credentials.data.credentials.map(({ name }) => name)), [credentials.data]);
  return {
    keys: keys ?? null,
    providers: providers.data?.providers ?? [],
    credentials: labels,
    isFetching: [providers, credentials].some(({ fetching, data, error }) => fetching && !data && !error),
    error: providers.error ?? credentials.error,
    reload: () => {
      readProviders({ requestPolicy: "network-only" });
      if (mayReadCredentials) readCredentials({ requestPolicy: "network-only" });
    },
  };
}
