// What roles include, and which of them the viewer may give, change or take away.

import { useMemo } from "react";
import { useQuery } from "urql";
import { RolesDocument, type RoleFormFragment, type Scope } from "@/gql/people-roles";
import texts from "@/gql/scopes.json";
import { plain } from "@/data/words";
import { useMay, useViewer } from "@/data/viewer";

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** The names of built-in roles are in upper case. */
export const roleName = (role: string) => (role === role.toUpperCase() ? capitalized(plain(role)) : role);

const NONE: readonly RoleFormFragment[] = [];

/** The roles of the tenant, and which scopes of a role the viewer lacks: without them all, the role is not theirs to give. */
export function useRoles() {
  const mayRead = useMay("ROLES_READ");
  const viewer = useViewer();
  const [{ data, error, fetching }, execute] = useQuery({ query: RolesDocument, pause: !mayRead, requestPolicy: "cache-and-network" });
  const roles = data?.roles ?? NONE;
  return useMemo(() => {
    const missing = (name: string): readonly Scope[] => {
      const scopes = roles.find((role) => role.name === name)?.scopes ?? [];
      return viewer ? scopes.filter((scope) => !viewer.scopes.includes(scope)) : [];
    };
    return {
      roles,
      isLoaded: data !== undefined || !mayRead,
      isReading: fetching,
      error,
      missing,
      toGive: roles.filter(({ name }) => missing(name).length === 0),
      again: () => execute({ requestPolicy: "network-only" }),
    };
  }, [roles, data, error, fetching, mayRead, viewer, execute]);
}

/** Operators of the installation have it; no role can include it. */
const NOT_OF_ROLES: readonly string[] = ["INSTALLATION_MANAGE"];

const TITLES: Record<string, string> = {
  CALLS: "Calls",
  TELEPHONY: "Phone numbers and trunks",
  CREDENTIALS: "Provider keys and secrets",
  OWNERS: "Owners",
  IDENTITY_PROVIDERS: "Identity providers",
  KEYS: "API keys",
  AUDIT: "Audit log",
};

export interface ScopeGroup {
  readonly title: string;
  readonly scopes: readonly { readonly scope: Scope; readonly text: string }[];
}

/** All scopes that a role can have, by what they are about. */
export const SCOPE_GROUPS: readonly ScopeGroup[] = groups();

function groups(): readonly ScopeGroup[] {
  const found = new Map<string, { scope: Scope; text: string }[]>();
  for (const scope of Object.keys(texts) as Scope[]) {
    if (NOT_OF_ROLES.includes(scope)) continue;
    const subject = scope.slice(0, scope.lastIndexOf("_"));
    found.set(subject, [...(found.get(subject) ?? []), { scope, text: texts[scope] }]);
  }
  return [...found].map(([subject, scopes]) => ({ title: TITLES[subject] ?? capitalized(plain(subject)), scopes }));
}

/** What a scope includes: who may change something may also read it. */
export function includedIn(scope: Scope): readonly Scope[] {
  if (scope === "CALLS_WRITE") return ["CALLS_READ", "CALLS_JOIN"];
  const read = scope.replace(/_WRITE$/, "_READ") as Scope;
  return read !== scope && read in texts ? [read] : [];
}

/** The scopes without those that others of them include. */
export function withoutIncluded(scopes: readonly Scope[]): readonly Scope[] {
  const included = new Set(scopes.flatMap(includedIn));
  return scopes.filter((scope) => !included.has(scope));
}
