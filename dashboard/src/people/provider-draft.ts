// The form of an identity provider as a value, and what of it has to be sent.

import type { CreateIdentityProviderInput, ProviderFormFragment, UpdateIdentityProviderInput } from "@/gql/people-identity-providers";
import { milliseconds } from "@/data/format";

export interface RoleRule {
  readonly group: string;
  readonly role: string;
}

export interface Draft {
  readonly name: string;
  readonly label: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Empty leaves the stored one as it is. */
  readonly clientSecret: string;
  readonly oauthScopes: string;
  readonly trustedDomains: string;
  readonly createsUsers: boolean;
  /** `name=value`, one a line. */
  readonly requiredClaims: string;
  readonly groupsClaim: string;
  readonly roleRules: readonly RoleRule[];
  /** Empty to refuse users without a role. */
  readonly defaultRole: string;
  readonly hours: string;
  readonly isEnabled: boolean;
}

export const NEW: Draft = {
  name: "",
  label: "",
  issuer: "",
  clientId: "",
  clientSecret: "",
  oauthScopes: "openid email profile",
  trustedDomains: "",
  createsUsers: false,
  requiredClaims: "",
  groupsClaim: "",
  roleRules: [],
  defaultRole: "",
  hours: "12",
  isEnabled: true,
};

export const draftOf = (provider: ProviderFormFragment): Draft => ({
  name: provider.name,
  label: provider.label,
  issuer: provider.issuer,
  clientId: provider.clientId,
  clientSecret: "",
  oauthScopes: provider.oauthScopes.join(" "),
  trustedDomains: provider.trustedDomains.join(", "),
  createsUsers: provider.createsUsers,
  requiredClaims: provider.requiredClaims.map(({ name, value }) => `${name}=${value}`).join("\n"),
  groupsClaim: provider.groupsClaim ?? "",
  roleRules: provider.roleRules.map(({ group, role }) => ({ group, role })),
  defaultRole: provider.defaultRole ?? "",
  hours: String(milliseconds(provider.sessionDuration) / 3_600_000),
  isEnabled: provider.isEnabled,
});

const listOf = (text: string) => text.split(/[,\s]+/).filter(Boolean);

function claimsOf(text: string) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return lines.map((line) => {
    const [name = "", ...value] = line.split("=");
    return { name: name.trim(), value: value.join("=").trim() };
  });
}

const valuesOf = (draft: Draft) => ({
  name: draft.name.trim(),
  label: draft.label.trim(),
  clientId: draft.clientId.trim(),
  oauthScopes: listOf(draft.oauthScopes),
  trustedDomains: listOf(draft.trustedDomains),
  createsUsers: draft.createsUsers,
  requiredClaims: claimsOf(draft.requiredClaims),
  groupsClaim: draft.groupsClaim.trim() || null,
  roleRules: draft.roleRules.map(({ group, role }) => ({ group: group.trim(), role })),
  defaultRole: draft.defaultRole || null,
  sessionDuration: `PT${Number(draft.hours) || 0}H`,
  isEnabled: draft.isEnabled,
});

export const createInput = (draft: Draft): CreateIdentityProviderInput => ({
  ...valuesOf(draft),
  issuer: draft.issuer.trim(),
  clientSecret: draft.clientSecret || null,
});

/** Only what was changed, so that what others edit meanwhile is not overwritten by what the form did not touch. */
export function updateInput(provider: ProviderFormFragment, draft: Draft): UpdateIdentityProviderInput {
  const [now, before] = [valuesOf(draft), valuesOf(draftOf(provider))];
  const names = (Object.keys(now) as (keyof typeof now)[]).filter((name) => JSON.stringify(now[name]) !== JSON.stringify(before[name]));
  return {
    id: provider.id,
    expectedRevision: provider.revision,
    ...Object.fromEntries(names.map((name) => [name, now[name]])),
    ...(draft.clientSecret && { clientSecret: draft.clientSecret }),
  };
}
