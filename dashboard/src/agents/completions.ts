// The paths of the context that the editors of an agent offer.

import type { CodeCompletion } from "@/ui/code-editor";
import type { Draft } from "./draft";
import { parse, type Template } from "./template";

/** The values of `call`, and what they are. */
export const CALL_VALUES: Readonly<Record<string, string>> = {
  id: "id of the call",
  kind: "VOIP, SIP or TEXT",
  direction: "INBOUND or OUTBOUND",
  phone_number: "number of the caller or callee",
  from_number: "number that calls",
  to_number: "number that is called",
  attestation: "attestation of the number",
  started_at: "when the call was created",
};

/** All texts of the agent that are templates. */
export const templatesOf = (draft: Draft): Template[] =>
  [
    draft.system,
    draft.greeting,
    ...draft.silence.map(({ say }) => say),
    ...draft.spokenTexts.map(({ say }) => say),
    ...draft.voices.map(({ voice }) => voice),
  ].map(parse);

/** The paths that the templates read, each once. */
export const pathsOf = (templates: readonly Template[]): string[] => [
  ...new Set(templates.flatMap(({ parts }) => parts.flatMap((part) => (typeof part === "string" || !part.path ? [] : [part.path])))),
];

/** `settings` are the values of the settings, if they are known. */
export function completionsOf(draft: Draft, settings: Readonly<Record<string, unknown>> | null): readonly CodeCompletion[] {
  const found = new Map<string, string>();
  for (const [name, detail] of Object.entries(CALL_VALUES)) found.set(`call.${name}`, detail);
  for (const name of Object.keys(settings ?? {})) found.set(`tenant.settings.${name}`, "value of the settings");
  for (const { name } of draft.variables) found.set(name, "has a default");
  for (const path of pathsOf(templatesOf(draft))) if (!found.has(path)) found.set(path, "used by this agent");
  return [...found].map(([label, detail]) => ({ label, detail }));
}
