// Providers as the pages show them: the same name may have an entry for each kind.

import type { CredentialRowFragment, ProviderKind } from "@/gql/providers";
import type { Tone } from "@/ui/badge";
import type { Provider } from "./models";

export const LIST = { href: "/providers/", title: "Providers" };
export const pathOf = (name: string) => `/providers/?name=${encodeURIComponent(name)}`;

export const KINDS: readonly { kind: ProviderKind; title: string }[] = [
  { kind: "LLM", title: "Language models" },
  { kind: "STT", title: "Speech to text" },
  { kind: "TTS", title: "Text to speech" },
  { kind: "VAD", title: "Voice activity detection" },
];

export const kindTitle = (kind: ProviderKind) => KINDS.find((each) => each.kind === kind)?.title ?? kind;

/** The keys are null for those who may not list them. */
export function keyState(entry: Provider, keys: readonly CredentialRowFragment[] | null): { label: string; tone: Tone } {
  if (!entry.needsKey) return { label: "No key needed", tone: "neutral" };
  const own = keys?.filter(({ provider }) => provider === entry.name) ?? [];
  const unlabelled = own.find(({ label }) => label === null);
  if (unlabelled) return { label: unlabelled.lastFour ? `Your key …${unlabelled.lastFour}` : "Your key", tone: "ok" };
  const labelled = own.length ? ` and ${own.length} with a label` : "";
  if (entry.hasOperatorKey) return { label: `Key of the installation${labelled}`, tone: "ok" };
  if (own.length) return { label: own.length === 1 ? "1 key with a label" : `${own.length} keys with a label`, tone: "info" };
  return { label: keys ? "No key" : "No key of the installation", tone: "warn" };
}
