// The pages of the dashboard, in the order of the navigation.

import type { Scope } from "@/gql/viewer";
import type { IconName } from "@/ui/icons";

export interface Page {
  readonly href: string;
  readonly title: string;
  readonly icon: IconName;
  /** The heading above the page in the navigation; none for those that come first. */
  readonly group?: string;
  /** Who lacks it does not see the page in the navigation. */
  readonly scope: Scope;
  /** Parts of the page with an address of their own, for the command palette. */
  readonly parts?: readonly Omit<Page, "icon" | "group" | "parts" | "also">[];
  /** Other paths that belong to the page. */
  readonly also?: readonly string[];
}

export const PAGES: readonly Page[] = [
  { href: "/", title: "Overview", icon: "overview", scope: "CALLS_READ" },
  { href: "/calls/", title: "Calls", icon: "calls", scope: "CALLS_READ", also: ["/call/"] },
  { group: "Build", href: "/workflows/", title: "Workflows", icon: "workflow", scope: "WORKFLOWS_READ", also: ["/workflow/", "/versions/"] },
  { group: "Build", href: "/agents/", title: "Agents", icon: "agents", scope: "AGENTS_READ", also: ["/agent/"] },
  { group: "Build", href: "/tools/", title: "Tools", icon: "tool", scope: "TOOLS_READ", also: ["/tool/", "/mcp/"] },
  { group: "Connect", href: "/phone/", title: "Phone numbers", icon: "phone", scope: "TELEPHONY_READ" },
  { group: "Connect", href: "/providers/", title: "Providers", icon: "provider", scope: "AGENTS_READ" },
  { group: "Connect", href: "/secrets/", title: "Secrets", icon: "lock", scope: "CREDENTIALS_READ" },
  { group: "Administer", href: "/settings/", title: "Settings", icon: "settings", scope: "SETTINGS_READ" },
  {
    group: "Administer",
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
  { group: "Administer", href: "/keys/", title: "API keys", icon: "key", scope: "KEYS_READ" },
  { group: "Administer", href: "/audit/", title: "Audit log", icon: "audit", scope: "AUDIT_READ" },
  { group: "Administer", href: "/limits/", title: "Limits", icon: "clock", scope: "CALLS_READ" },
  { group: "Administer", href: "/tenants/", title: "Tenants", icon: "globe", scope: "INSTALLATION_MANAGE" },
];

/** Whether the navigation has the page. If the viewer could not be read, it has those that most have. */
export const isListed = (scope: Scope, scopes: readonly Scope[] | undefined) => (scopes ? scopes.includes(scope) : scope !== "INSTALLATION_MANAGE");

/** Pages of the API that are no part of the dashboard. */
export const LINKS = [
  { href: "/talk", title: "Talk to an agent" },
  { href: "/graphiql", title: "GraphiQL" },
  { href: "/docs/", title: "Documentation" },
] as const;
