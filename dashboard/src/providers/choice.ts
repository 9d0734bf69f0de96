// The choice of a provider as a form has it, and as the API takes it.

import type { ChoiceFragment, FallbackInput, ProviderChoiceInput } from "@/gql/settings";

export interface SingleChoice {
  /** Empty for none. */
  readonly provider: string;
  readonly model: string;
  /** Label of a credential; empty for the one without a label. */
  readonly credential: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface Choice extends SingleChoice {
  readonly fallbacks: readonly SingleChoice[];
}

export const NO_CHOICE: Choice = { provider: "", model: "", credential: "", options: {}, fallbacks: [] };

const singleOf = ({ provider, model, credential, options }: ChoiceFragment["fallbacks"][number]): SingleChoice => ({
  provider,
  model,
  credential: credential ?? "",
  options: typeof options === "object" && options !== null ? { ...options } : {},
});

export const choiceOf = (stored: ChoiceFragment | null): Choice =>
  stored ? { ...singleOf(stored), fallbacks: stored.fallbacks.map(singleOf) } : NO_CHOICE;

const fallbackOf = ({ provider, model, credential, options }: SingleChoice): FallbackInput => ({
  provider,
  model: model.trim(),
  credential: credential.trim() || null,
  options,
});

export const choiceInput = (choice: Choice): ProviderChoiceInput | null =>
  choice.provider ? { ...fallbackOf(choice), fallbacks: choice.fallbacks.map(fallbackOf) } : null;
