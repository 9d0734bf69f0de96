// The form of a telephone number as a value, and what of it has to be sent.

import { changesOf, durationIn, orNone, textIn, textOf, wholeNumberOf } from "@/data/form-values";
import type { Attestation, CreatePhoneNumberInput, NumberFormFragment, UpdatePhoneNumberInput } from "@/gql/phone-numbers";
import { objectOf } from "@/ui/json-field";

export interface NumberDraft {
  readonly number: string;
  readonly label: string;
  readonly workflowId: string;
  readonly inboundTrunkId: string;
  readonly outboundTrunkId: string;
  readonly earlierCalls: string;
  readonly refusedAttestations: readonly Attestation[];
  readonly "defaults.language": string;
  /** In seconds, and the maximum duration in minutes. */
  readonly "defaults.ringingTimeout": string;
  readonly "defaults.maxDuration": string;
  readonly "defaults.recording": string;
  readonly "defaults.userContext": unknown;
  readonly "hold.after": string;
  readonly "hold.timeout": string;
  readonly "hold.announcement": string;
  readonly "hold.goodbye": string;
}

const RECORDING = new Map([
  ["", null],
  ["yes", true],
  ["no", false],
]);
const recordingText = (value: boolean | null) => [...RECORDING].find(([, each]) => each === value)?.[0] ?? "";

export const numberDraft = (number: NumberFormFragment | null): NumberDraft => ({
  number: number?.number ?? "",
  label: number?.label ?? "",
  workflowId: number?.workflow?.id ?? "",
  inboundTrunkId: number?.inboundTrunk?.id ?? "",
  outboundTrunkId: number?.outboundTrunk?.id ?? "",
  earlierCalls: textOf(number?.earlierCalls ?? 0),
  refusedAttestations: number?.refusedAttestations ?? [],
  "defaults.language": number?.defaults.language ?? "",
  "defaults.ringingTimeout": textIn(number?.defaults.ringingTimeout ?? null, "seconds"),
  "defaults.maxDuration": textIn(number?.defaults.maxDuration ?? null, "minutes"),
  "defaults.recording": recordingText(number?.defaults.recording ?? null),
  "defaults.userContext": number?.defaults.userContext ?? {},
  "hold.after": textIn(number?.hold.after ?? null, "seconds"),
  "hold.timeout": textIn(number?.hold.timeout ?? null, "seconds"),
  "hold.announcement": number?.hold.announcement ?? "",
  "hold.goodbye": number?.hold.goodbye ?? "",
});

const valuesOf = (draft: NumberDraft) =>
  ({
    label: orNone(draft.label),
    workflowId: orNone(draft.workflowId),
    inboundTrunkId: orNone(draft.inboundTrunkId),
    outboundTrunkId: orNone(draft.outboundTrunkId),
    earlierCalls: wholeNumberOf("earlierCalls", draft.earlierCalls) ?? 0,
    refusedAttestations: [...draft.refusedAttestations],
    defaults: {
      language: orNone(draft["defaults.language"]),
      ringingTimeout: durationIn("defaults.ringingTimeout", draft["defaults.ringingTimeout"], "seconds"),
      maxDuration: durationIn("defaults.maxDuration", draft["defaults.maxDuration"], "minutes"),
      recording: RECORDING.get(draft["defaults.recording"]) ?? null,
      userContext: objectOf("defaults.userContext", draft["defaults.userContext"]),
    },
    hold: {
      after: durationIn("hold.after", draft["hold.after"], "seconds"),
      timeout: durationIn("hold.timeout", draft["hold.timeout"], "seconds"),
      announcement: orNone(draft["hold.announcement"]),
      goodbye: orNone(draft["hold.goodbye"]),
    },
  }) satisfies Omit<CreatePhoneNumberInput, "number">;

export const newNumber = (draft: NumberDraft): CreatePhoneNumberInput => ({ number: draft.number.trim(), ...valuesOf(draft) });

export const numberChanges = (draft: NumberDraft, base: NumberFormFragment): UpdatePhoneNumberInput => ({
  id: base.id,
  expectedRevision: base.revision,
  ...changesOf(valuesOf(draft), valuesOf(numberDraft(base))),
});
