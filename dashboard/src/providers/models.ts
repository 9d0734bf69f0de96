// Providers and their models, as forms edit them and as the API takes them.

import { isObject } from "@/data/json";
import type { ProvidersQuery } from "@/gql/providers";
import type { FallbackInput, ProviderChoiceInput } from "@/gql/settings";

export type Provider = NonNullable<ProvidersQuery["providers"]>[number];
export type Option = Provider["options"][number];

export const KINDS = ["llm", "stt", "tts", "vad"] as const;
export type Kind = (typeof KINDS)[number];

export interface Model {
  readonly provider: string;
  readonly model: string;
  /** The label of a credential; empty for the usual one. */
  readonly credential: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A provider and its fallbacks, in the order in which they are used; empty for the default. */
export type Chain = readonly Model[];

interface StoredModel {
  readonly provider: string;
  readonly model: string;
  readonly credential: string | null;
  readonly options: unknown;
}

export const modelOf = ({ provider, model, credential, options }: StoredModel): Model => ({
  provider,
  model,
  credential: credential ?? "",
  options: isObject(options) ? options : {},
});

export const chainOf = (stored: (StoredModel & { readonly fallbacks: readonly StoredModel[] }) | null): Chain =>
  stored ? [modelOf(stored), ...stored.fallbacks.map(modelOf)] : [];

export const inputOf = ({ provider, model, credential, options }: Model): FallbackInput => ({
  provider,
  model: model.trim(),
  credential: credential.trim() || null,
  options,
});

export const choiceOf = ([first, ...fallbacks]: Chain): ProviderChoiceInput | null =>
  first ? { ...inputOf(first), fallbacks: fallbacks.map(inputOf) } : null;

/** The path of a model in the choice at `path`: the first one of a chain is the choice itself. */
export const modelPath = (path: string, index: number) => (index ? `${path}.fallbacks.${index - 1}` : path);

export const providersOf = (catalog: readonly Provider[], kind: Kind) => catalog.filter((each) => each.kind === kind.toUpperCase());

export const findProvider = (catalog: readonly Provider[], kind: Kind, name: string | undefined) =>
  providersOf(catalog, kind).find((each) => each.name === name);

/** `OpenAI gpt-4.1-mini`. */
export const nameOfModel = (catalog: readonly Provider[], kind: Kind, { provider, model }: Pick<Model, "provider" | "model">) =>
  [findProvider(catalog, kind, provider)?.displayName ?? provider, model].filter(Boolean).join(" ");

const primary = (tag: string) => tag.split("-")[0] ?? tag;

/** The voice for the language, else for its primary subtag, else the first one: as in calls. */
export function voiceFor(voices: readonly { readonly language: string; readonly voice: string }[], language: string): string {
  const named = voices.filter(({ language: each }) => primary(each) === primary(language));
  return (named.find(({ language: each }) => each === language) ?? named[0] ?? voices[0])?.voice ?? "";
}

/** The languages that the provider does not support: `hi` supports `hi-IN`, and the other way round. */
export function unsupported({ languages }: Provider, tags: readonly string[]): readonly string[] {
  const isSupported = (tag: string) => languages.some((each) => ["multi", tag, primary(tag)].includes(each) || primary(each) === tag);
  return languages.length ? tags.filter((tag) => !isSupported(tag)) : [];
}

/** The paths of options with lists that are still being typed, and what is wrong with them. */
export const unfinished = (catalog: readonly Provider[], kind: Kind, chain: Chain, path: string): readonly (readonly [string, string])[] =>
  chain.flatMap(({ provider, options }, index) =>
    (findProvider(catalog, kind, provider)?.options ?? [])
      .filter(({ name, type }) => type === "LIST" && typeof options[name] === "string")
      .map(({ name }) => [`${modelPath(path, index)}.options`, `${name} is not a list in JSON yet.`] as const),
  );
