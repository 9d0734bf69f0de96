// The catalog of providers, as the form of an agent uses it.

import type { Problems } from "@/data/problem";
import type { AgentProvidersQuery } from "@/gql/agent";
import { KINDS, type Draft, type Kind, type Model } from "./draft";
import { modelPath } from "./problems";

export type Provider = NonNullable<AgentProvidersQuery["providers"]>[number];
export type Option = Provider["options"][number];

export const providersOf = (catalog: readonly Provider[], kind: Kind) => catalog.filter((each) => each.kind === kind.toUpperCase());

export const findProvider = (catalog: readonly Provider[], kind: Kind, name: string | undefined) =>
  providersOf(catalog, kind).find((each) => each.name === name);

/** `OpenAI gpt-4.1-mini`. */
export const nameOfModel = (catalog: readonly Provider[], kind: Kind, { provider, model }: Pick<Model, "provider" | "model">) =>
  [findProvider(catalog, kind, provider)?.displayName ?? provider, model].filter(Boolean).join(" ");

/** The languages that the provider does not support: `hi` supports `hi-IN`, and the other way round. */
export function unsupported({ languages }: Provider, tags: readonly string[]): readonly string[] {
  const primary = (tag: string) => tag.split("-")[0] ?? tag;
  const isSupported = (tag: string) => languages.some((each) => ["multi", tag, primary(tag)].includes(each) || primary(each) === tag);
  return languages.length ? tags.filter((tag) => !isSupported(tag)) : [];
}

/** Lists of options that are still being typed. */
export function unfinished(draft: Draft, catalog: readonly Provider[]): Problems {
  const found: Record<string, string> = {};
  for (const kind of KINDS) {
    draft[kind].forEach(({ provider, options }, index) => {
      for (const { name, type } of findProvider(catalog, kind, provider)?.options ?? []) {
        const isUnfinished = type === "LIST" && typeof options[name] === "string";
        if (isUnfinished) found[`${modelPath(kind, index)}.options`] = `${name} is not a list in JSON yet.`;
      }
    });
  }
  return found;
}
