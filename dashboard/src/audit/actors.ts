// The log has the ids of who did something; the names are those of today.

import { useMemo } from "react";
import { useQuery } from "urql";
import { AuditKeysDocument, AuditMembersDocument, AuditProvidersDocument, type AuditRowFragment } from "@/gql/audit";
import { useMay } from "@/data/viewer";

type Actor = Pick<AuditRowFragment, "actor" | "actorId">;

const WITHOUT_ID: Record<string, string> = {
  anonymous: "Not signed in",
  system: "Agent Studio",
  database: "A connection to the database",
  erased: "Erased",
};

const UNKNOWN: Record<string, string> = {
  user: "A former member",
  key: "A deleted API key",
  identity_provider: "A deleted identity provider",
};

/** How each actor is called: by id, as far as the viewer may know it. */
export function useActors(entries: readonly Actor[], more: string | null): (actor: Actor) => string {
  const maySeeMembers = useMay("MEMBERS_READ");
  const maySeeKeys = useMay("KEYS_READ");
  const maySeeProviders = useMay("IDENTITY_PROVIDERS_READ");
  const ids = useMemo(() => idsOf(entries, more), [entries, more]);
  const has = (kind: string) => entries.some(({ actor }) => actor.startsWith(`${kind}:`));
  const [members] = useQuery({ query: AuditMembersDocument, variables: { ids }, pause: !maySeeMembers || ids.length === 0 });
  const [keys] = useQuery({ query: AuditKeysDocument, pause: !maySeeKeys || !has("key") });
  const [providers] = useQuery({ query: AuditProvidersDocument, pause: !maySeeProviders || !has("identity_provider") });
  return useMemo(() => {
    const names = new Map<string, string>();
    for (const node of members.data?.nodes ?? []) if (node?.__typename === "Member") names.set(node.id, node.name ?? node.email);
    for (const { node } of keys.data?.apiKeys?.edges ?? []) names.set(node.id, `API key ${node.name}`);
    for (const { id, name } of providers.data?.identityProviders ?? []) names.set(id, `Identity provider ${name}`);
    const isReading = members.fetching || keys.fetching || providers.fetching;
    return ({ actor, actorId }) => {
      const kind = actor.split(":")[0] ?? "";
      const name = actorId ? names.get(actorId) : WITHOUT_ID[kind];
      return name ?? (isReading ? "…" : (UNKNOWN[kind] ?? actor));
    };
  }, [members, keys, providers]);
}

/** The ids of members on this page, and the one that the filter names. */
function idsOf(entries: readonly Actor[], more: string | null): string[] {
  const ids = entries.flatMap(({ actor, actorId }) => (actor.startsWith("user:") && actorId ? [actorId] : []));
  return [...new Set(more && !more.includes(":") ? [...ids, more] : ids)].sort();
}
