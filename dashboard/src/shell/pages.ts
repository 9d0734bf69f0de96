// The pages of the dashboard, in the order of the navigation.

import type { Scope } from "@/gql/viewer";
import type { IconName } from "@/ui/icons";

export interface Page {
  readonly href: string;
  readonly title: string;
  readonly icon: IconName;
  /** Who lacks it does not see the page in the navigation. */
  readonly scope: Scope;
  /** Parts of the page with an address of their own, for the command palette. */
  readonly parts?: readonly Omit<Page, "icon" | "parts" | "also">[];
  /** Other paths that belong to the page. */
  readonly also?: readonly string[];
}

export const PAGES: readonly Page[] = [
  { href: "/", title: "Overview", icon: "overview", scope: "CALLS_READ" },
  { href: "/calls/", title: "Calls", icon: "calls", scope: "CALLS_READ", also: ["/call/"] },
  { href: "/agents/", title: "Agents", icon: "agents", scope: "AGENTS_READ", also: ["/agent/"] },
  {
    href: "/people/",
    title: "People",
    icon: "people",
    scope: "MEMBERS_READ",
    parts: [
      { href: "/people/?tab=invitations", title: "Invitations", scope: "MEMBERS_READ" },
      { href: "/people/?tab=roles", title: "Roles", scope: "ROLES_READ" },
      { href: "/people/?tab=providers", title: "Identity providers", scope: "IDENTITY_PROVIDERS_READ" },
    ],
    also: ["/member/", "/role/", "/identity-provider/"],
  },
  { href: "/keys/", title: "API keys", icon: "key", scope: "KEYS_READ" },
  { href: "/audit/", title: "Audit log", icon: "audit", scope: "AUDIT_READ" },
  { href: "/limits/", title: "Limits", icon: "clock", scope: "CALLS_READ" },
  { href: "/tenants/", title: "Tenants", icon: "globe", scope: "INSTALLATION_MANAGE" },
];

/** Whether the navigation has the page. While the viewer is not known, it has those that most have, so that little jumps. */
export const isListed = (scope: Scope, scopes: readonly Scope[] | undefined) => (scopes ? scopes.includes(scope) : scope !== "INSTALLATION_MANAGE");

/** Pages of the API that are no part of the dashboard. */
export const LINKS = [
  { href: "/talk", title: "Talk to an agent" },
  { href: "/graphiql", title: "GraphiQL" },
  { href: "/docs/", title: "Documentation" },
] as const;
