// The log has the ids of people and keys; the names are those of today.

import { useMemo } from "react";
import { useQuery } from "urql";
import { AuditKeysDocument, AuditMembersDocument, AuditProvidersDocument, type AuditRowFragment } from "@/gql/audit";
import { useMay } from "@/data/viewer";
import { typeOf } from "./view";

/** The page of the query. */
const MAX_KEYS = 100;

type Actor = Pick<AuditRowFragment, "actor" | "actorId">;

export interface Names {
  actor(entry: Actor): string;
  /** `agent reception` */
  target(entry: AuditRowFragment): string;
}

const WITHOUT_ID: Record<string, string> = {
  anonymous: "Not signed in",
  system: "Agent Studio",
  database: "A connection to the database",
  erased: "Erased",
};

/** Who is not among those that exist today. */
const GONE: Record<string, string> = {
  user: "A former member",
  key: "A deleted API key",
  identity_provider: "A deleted identity provider",
};

/** How actors and targets are called, as far as the viewer may know it; `more` is the id of another member. */
export function useNames(entries: readonly AuditRowFragment[], more: string | null): Names {
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
    const allKeys = keys.data?.apiKeys?.edges;
    // Only who could have been found is gone: the viewer may lack a permission, or a query may have failed.
    const isRead: Record<string, boolean> = {
      user: Boolean(members.data),
      key: allKeys !== undefined && allKeys.length < MAX_KEYS,
      identity_provider: Boolean(providers.data),
    };
    const isReading = members.fetching || keys.fetching || providers.fetching;
    return {
      actor({ actor, actorId }) {
        const kind = actor.split(":")[0] ?? "";
        const name = actorId ? names.get(actorId) : WITHOUT_ID[kind];
        return name ?? (isReading ? "…" : (isRead[kind] && actorId ? (GONE[kind] ?? actor) : actor));
      },
      target: ({ target }) => (target ? [typeOf(target.type), target.name ?? (target.id && names.get(target.id))].filter(Boolean).join(" ") : ""),
    };
  }, [members, keys, providers]);
}

/** The ids of members on this page, and the one that the filter names. */
function idsOf(entries: readonly AuditRowFragment[], more: string | null): string[] {
  const ids = entries.flatMap(({ actor, actorId, target }) => [
    ...(actor.startsWith("user:") && actorId ? [actorId] : []),
    ...(target?.type === "Member" && target.id ? [target.id] : []),
  ]);
  return [...new Set(more && !more.includes(":") ? [...ids, more] : ids)].sort();
}
