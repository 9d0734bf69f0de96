// The forms of trunks as values, and what of them has to be sent.

import { changesOf, durationIn, listText, orNone, textIn, textOf, wholeNumberOf } from "@/data/form-values";
import { listOf } from "@/data/format";
import { InvalidField } from "@/data/use-form";
import type { CreateInboundTrunkInput, InboundTrunkFormFragment, UpdateInboundTrunkInput } from "@/gql/inbound-trunks";
import type { CreateOutboundTrunkInput, MediaEncryption, OutboundTrunkFormFragment, SipTransport, UpdateOutboundTrunkInput } from "@/gql/outbound-trunks";

interface Credentials {
  readonly username: string;
  /** Empty to keep the stored one. */
  readonly password: string;
}

export interface OutboundDraft extends Credentials {
  readonly name: string;
  readonly address: string;
  readonly transport: SipTransport;
  readonly mediaEncryption: MediaEncryption;
  readonly region: string;
  readonly allowedRegions: string;
  readonly allowedPrefixes: string;
  readonly allowedShortNumbers: string;
  readonly "limits.callsPerSecond": string;
  readonly "limits.concurrentCalls": string;
  readonly "limits.callsPerDay": string;
  readonly "limits.callsPerNumberPerHour": string;
  readonly "limits.minutesPerDay": string;
  /** In minutes. */
  readonly maxDuration: string;
  readonly isEnabled: boolean;
}

export interface InboundDraft extends Credentials {
  readonly name: string;
  readonly allowedAddresses: string;
  readonly mediaEncryption: MediaEncryption;
  readonly contextHeaders: string;
  /** In minutes. */
  readonly maxDuration: string;
  readonly isEnabled: boolean;
}

/** A field that an update cannot set to null. */
function needed<Value>(field: string, value: Value | null): Value {
  if (value === null) throw new InvalidField(field, "This cannot be empty.");
  return value;
}

/** Without a user name there is no password either. */
const passwordOf = ({ username, password }: Credentials, hasPassword: boolean) =>
  password ? { password } : hasPassword && !username.trim() ? { password: null } : {};

export const outboundDraft = (trunk: OutboundTrunkFormFragment | null): OutboundDraft => ({
  name: trunk?.name ?? "",
  address: trunk?.address ?? "",
  transport: trunk?.transport ?? "UDP",
  mediaEncryption: trunk?.mediaEncryption ?? "DISABLED",
  username: trunk?.username ?? "",
  password: "",
  region: trunk?.region ?? "",
  allowedRegions: listText(trunk?.allowedRegions ?? []),
  allowedPrefixes: listText(trunk?.allowedPrefixes ?? []),
  allowedShortNumbers: listText(trunk?.allowedShortNumbers ?? []),
  "limits.callsPerSecond": textOf(trunk?.limits.callsPerSecond ?? 1),
  "limits.concurrentCalls": textOf(trunk?.limits.concurrentCalls ?? 5),
  "limits.callsPerDay": textOf(trunk?.limits.callsPerDay ?? 200),
  "limits.callsPerNumberPerHour": textOf(trunk?.limits.callsPerNumberPerHour ?? 3),
  "limits.minutesPerDay": textOf(trunk?.limits.minutesPerDay ?? null),
  maxDuration: textIn(trunk?.maxDuration ?? "PT30M", "minutes"),
  isEnabled: trunk?.isEnabled ?? true,
});

function limitOf(draft: OutboundDraft, name: "callsPerSecond" | "concurrentCalls" | "callsPerDay" | "callsPerNumberPerHour"): number {
  const field = `limits.${name}` as const;
  return needed(field, wholeNumberOf(field, draft[field]));
}

const outboundValues = (draft: OutboundDraft) =>
  ({
    name: draft.name.trim(),
    address: draft.address.trim(),
    transport: draft.transport,
    mediaEncryption: draft.mediaEncryption,
    username: orNone(draft.username),
    region: draft.region.trim().toUpperCase(),
    allowedRegions: listOf(draft.allowedRegions.toUpperCase()),
    allowedPrefixes: listOf(draft.allowedPrefixes),
    allowedShortNumbers: listOf(draft.allowedShortNumbers),
    limits: {
      callsPerSecond: limitOf(draft, "callsPerSecond"),
      concurrentCalls: limitOf(draft, "concurrentCalls"),
      callsPerDay: limitOf(draft, "callsPerDay"),
      callsPerNumberPerHour: limitOf(draft, "callsPerNumberPerHour"),
      minutesPerDay: wholeNumberOf("limits.minutesPerDay", draft["limits.minutesPerDay"]),
    },
    maxDuration: needed("maxDuration", durationIn("maxDuration", draft.maxDuration, "minutes")),
    isEnabled: draft.isEnabled,
  }) satisfies Omit<CreateOutboundTrunkInput, "password">;

export const newOutboundTrunk = (draft: OutboundDraft): CreateOutboundTrunkInput => ({ ...outboundValues(draft), ...passwordOf(draft, false) });

export const outboundChanges = (draft: OutboundDraft, base: OutboundTrunkFormFragment): UpdateOutboundTrunkInput => ({
  id: base.id,
  expectedRevision: base.revision,
  ...changesOf(outboundValues(draft), outboundValues(outboundDraft(base))),
  ...passwordOf(draft, base.hasPassword),
});

export const inboundDraft = (trunk: InboundTrunkFormFragment | null): InboundDraft => ({
  name: trunk?.name ?? "",
  allowedAddresses: listText(trunk?.allowedAddresses ?? []),
  mediaEncryption: trunk?.mediaEncryption ?? "DISABLED",
  username: trunk?.username ?? "",
  password: "",
  contextHeaders: listText(trunk?.contextHeaders ?? []),
  maxDuration: textIn(trunk?.maxDuration ?? "PT1H", "minutes"),
  isEnabled: trunk?.isEnabled ?? true,
});

const inboundValues = (draft: InboundDraft) =>
  ({
    name: draft.name.trim(),
    allowedAddresses: listOf(draft.allowedAddresses),
    mediaEncryption: draft.mediaEncryption,
    username: orNone(draft.username),
    contextHeaders: listOf(draft.contextHeaders),
    maxDuration: needed("maxDuration", durationIn("maxDuration", draft.maxDuration, "minutes")),
    isEnabled: draft.isEnabled,
  }) satisfies Omit<CreateInboundTrunkInput, "password">;

export const newInboundTrunk = (draft: InboundDraft): CreateInboundTrunkInput => ({ ...inboundValues(draft), ...passwordOf(draft, false) });

export const inboundChanges = (draft: InboundDraft, base: InboundTrunkFormFragment): UpdateInboundTrunkInput => ({
  id: base.id,
  expectedRevision: base.revision,
  ...changesOf(inboundValues(draft), inboundValues(inboundDraft(base))),
  ...passwordOf(draft, base.hasPassword),
});
