// What the audit log shows: all of it is in the address.

import type { AuditFilter, AuditKind, AuditLogQueryVariables, AuditRowFragment } from "@/gql/audit";
import { changed, pageOf, present, timeOf } from "@/data/page";
import { plain } from "@/data/words";
import type { Tone } from "@/ui/badge";
import type { Chip } from "@/ui/filter-chips";

export const KINDS: Record<AuditKind, { label: string; tone: Tone }> = {
  CREATED: { label: "Created", tone: "ok" },
  UPDATED: { label: "Changed", tone: "info" },
  DELETED: { label: "Deleted", tone: "warn" },
  SIGNED_IN: { label: "Signed in", tone: "neutral" },
  SIGNED_OUT: { label: "Signed out", tone: "neutral" },
  SIGN_IN_FAILED: { label: "Sign-in failed", tone: "bad" },
  SESSION_ENDED: { label: "Session ended", tone: "neutral" },
  REFUSED: { label: "Refused", tone: "bad" },
  EXPORTED: { label: "Exported", tone: "accent" },
  ACCESSED: { label: "Accessed", tone: "accent" },
  ENDED: { label: "Call ended", tone: "neutral" },
  TESTED: { label: "Tested", tone: "neutral" },
  SHORTENED: { label: "Shortened", tone: "warn" },
  ERASED: { label: "Erased", tone: "warn" },
  OTHER: { label: "Other", tone: "neutral" },
};

const isKind = (kind: string): kind is AuditKind => kind in KINDS;

export const kindOf = (kind: AuditKind) => KINDS[kind] ?? { label: plain(kind), tone: "neutral" as const };

export const FILTER_NAMES = ["kind", "actor", "target", "action", "session", "address", "since", "until"] as const;

const TITLES: Record<(typeof FILTER_NAMES)[number], string> = {
  kind: "Kind",
  actor: "By",
  target: "About",
  action: "Action",
  session: "Session",
  address: "From",
  since: "From",
  until: "To",
};

const text = (query: URLSearchParams, name: string) => query.get(name)?.trim() || undefined;

export function filterOf(query: URLSearchParams): AuditFilter {
  const kinds = (query.get("kind") ?? "").split(",").filter(isKind);
  const [since, until] = [timeOf(text(query, "since")), timeOf(text(query, "until"), 1)];
  return present({
    kinds: kinds.length ? kinds : undefined,
    actor: text(query, "actor"),
    target: text(query, "target"),
    action: text(query, "action"),
    sessionId: text(query, "session"),
    address: text(query, "address"),
    at: since || until ? present({ since, until }) : undefined,
  });
}

export const variablesOf = (query: URLSearchParams): AuditLogQueryVariables => ({ filter: filterOf(query), ...pageOf(query) });

/** Change the filter; an open entry belongs to the list before. */
export const filtered = (query: URLSearchParams, changes: Record<string, string | null>) => changed(query, { entry: null, ...changes });

export const withoutFilter = (query: URLSearchParams) => filtered(query, Object.fromEntries(FILTER_NAMES.map((name) => [name, null])));

/** `nameOf` knows what an id or an actor is called. */
export function chipsOf(query: URLSearchParams, nameOf: (name: "actor" | "target" | "session", value: string) => string): readonly Chip[] {
  return FILTER_NAMES.flatMap((name) => {
    const value = text(query, name);
    if (!value) return [];
    if (name === "kind") {
      const kinds = value.split(",").filter(isKind);
      return kinds.map((kind) => ({
        label: kindOf(kind).label,
        without: filtered(query, { kind: kinds.filter((each) => each !== kind).join(",") || null }),
      }));
    }
    const shown = name === "actor" || name === "target" || name === "session" ? nameOf(name, value) : value;
    return [{ label: `${TITLES[name]}: ${shown}`, without: filtered(query, { [name]: null }) }];
  });
}

const TYPES: Record<string, string> = { ApiKey: "API key", Settings: "settings", ManagedTenant: "tenant" };

const typeOf = (type: string) => TYPES[type] ?? plain(type.replace(/(?<=[a-z])(?=[A-Z])/g, " "));

/** `agent reception` */
export function targetOf({ target }: AuditRowFragment): string {
  return target ? [typeOf(target.type), target.name].filter(Boolean).join(" ") : "";
}

export type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};

export const valueText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
