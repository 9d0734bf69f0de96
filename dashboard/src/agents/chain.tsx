"use client";

import { useId } from "react";
import { problemAt, type Problems } from "@/data/problem";
import { Choice, Field } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { Rows } from "@/ui/rows";
import type { Chain, Kind, Model } from "./draft";
import { Options } from "./options";
import { modelPath } from "./problems";
import { findProvider, nameOfModel, providersOf, unsupported, type Provider } from "./providers";

export interface Catalog {
  readonly providers: readonly Provider[];
  /** The labels of the tenant's credentials, by provider. */
  readonly credentials: ReadonlyMap<string, readonly string[]>;
  /** The defaults of the tenant by kind; null if they are not known. */
  readonly defaults: Readonly<Record<Kind, Pick<Model, "provider" | "model"> | null>> | null;
}

interface Props {
  kind: Kind;
  title: string;
  about: string;
  chain: Chain;
  onChange(chain: Chain): void;
  catalog: Catalog;
  /** The languages that the provider should support. */
  languages: readonly string[];
  problems: Problems;
  isDisabled: boolean;
}

const MAX_FALLBACKS = 3;

/** A provider and those that replace it when it fails, in the order in which they are tried. */
export function ChainEditor({ kind, title, about, chain, onChange, catalog, languages, problems, isDisabled }: Props) {
  const id = useId();
  const inherited = catalog.defaults?.[kind];
  const refused = problems[kind] ?? problems[`${kind}.fallbacks`];
  return (
    <div role="group" aria-labelledby={id} className="grid gap-3">
      <div>
        <h3 id={id} className="text-sm font-semibold">
          {title}
        </h3>
        <p className="text-xs text-muted">{about}</p>
      </div>
      {chain.length === 0 && (
        <p className="text-sm text-muted">
          {inherited
            ? `Default of the tenant: ${nameOfModel(catalog.providers, kind, inherited)}.`
            : kind === "vad"
              ? "Default of the tenant, or the built-in one."
              : catalog.defaults
                ? "The settings have no default, so calls need a provider here."
                : "Default of the tenant."}
        </p>
      )}
      <Rows<Model>
        what="model"
        label={`${title}, in the order in which they are used`}
        rows={chain}
        problem={refused}
        nameOf={(model, index) => nameOfModel(catalog.providers, kind, model) || `${title} ${index + 1}`}
        onChange={onChange}
        max={1 + MAX_FALLBACKS}
        isSortable
        isDisabled={isDisabled}
        addLabel={chain.length ? "Add a fallback" : `Choose ${kind === "llm" ? "a model" : "a provider"}`}
        create={() => newModel(catalog, kind, chain)}
      >
        {(model, index, change) => (
          <ModelForm
            kind={kind}
            label={index === 0 ? title : `Fallback ${index}`}
            model={model}
            onChange={change}
            catalog={catalog}
            languages={languages}
            problems={problems}
            path={modelPath(kind, index)}
            isDisabled={isDisabled}
          />
        )}
      </Rows>
    </div>
  );
}

/** What the tenant uses by default, else the first provider of the catalog that the chain does not have yet. */
function newModel({ providers, defaults }: Catalog, kind: Kind, chain: Chain): Model {
  const inherited = defaults?.[kind];
  if (inherited && !chain.length) return { provider: inherited.provider, model: inherited.model, credential: "", options: {} };
  const offered = providersOf(providers, kind);
  const unused = offered.find(({ name }) => !chain.some(({ provider }) => provider === name)) ?? offered[0];
  return { provider: unused?.name ?? "", model: unused?.models[0] ?? "", credential: "", options: {} };
}

interface ModelProps {
  kind: Kind;
  label: string;
  model: Model;
  onChange(model: Model): void;
  catalog: Catalog;
  languages: readonly string[];
  problems: Problems;
  path: string;
  isDisabled: boolean;
}

function ModelForm({ kind, label, model, onChange, catalog, languages, problems, path, isDisabled }: ModelProps) {
  const id = useId();
  const offered = providersOf(catalog.providers, kind);
  const provider = findProvider(catalog.providers, kind, model.provider);
  const labels = catalog.credentials.get(model.provider) ?? [];
  const foreign = provider ? unsupported(provider, languages) : [];
  const count = Object.keys(model.options).length;
  // Options and credentials belong to a provider, so another one starts without any.
  const choose = (name: string) =>
    onChange({ provider: name, model: offered.find((each) => each.name === name)?.models[0] ?? "", credential: "", options: {} });
  return (
    <div className="grid gap-3">
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice
          label={`${label}: provider`}
          value={model.provider}
          disabled={isDisabled}
          problem={problems[`${path}.provider`]}
          onChange={({ target }) => choose(target.value)}
        >
          {!provider && <option value={model.provider}>{model.provider || "–"}</option>}
          {offered.map((each) => (
            <option key={each.name} value={each.name}>
              {each.displayName}
            </option>
          ))}
        </Choice>
        <div>
          <Field
            label={`${label}: model`}
            list={`${id}-models`}
            value={model.model}
            disabled={isDisabled}
            problem={problems[`${path}.model`]}
            autoCapitalize="none"
            spellCheck={false}
            onChange={({ target }) => onChange({ ...model, model: target.value })}
          />
          <datalist id={`${id}-models`}>
            {provider?.models.map((each) => (
              <option key={each} value={each} />
            ))}
          </datalist>
        </div>
        {(labels.length > 0 || model.credential) && (
          <Choice
            label={`${label}: credential`}
            value={model.credential}
            disabled={isDisabled}
            problem={problems[`${path}.credential`]}
            onChange={({ target }) => onChange({ ...model, credential: target.value })}
          >
            <option value="">The usual one</option>
            {[...new Set([...labels, model.credential])].filter(Boolean).map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </Choice>
        )}
      </div>
      {foreign.length > 0 && (
        <p className="text-xs text-warn">
          {provider?.displayName} does not list {foreign.join(", ")} among its languages.
        </p>
      )}
      {(provider?.options.length ?? 0) + count > 0 && (
        <details className="group" open={problemAt(problems, `${path}.options`) ? true : undefined}>
          <summary
            className="flex min-h-8 w-fit list-none items-center gap-1.5 rounded text-sm text-muted hover:text-text
              [&::-webkit-details-marker]:hidden"
          >
            <Icon name="right" width={15} height={15} className="group-open:rotate-90" />
            Options{count > 0 && ` (${count} set)`}
          </summary>
          <div className="pt-2">
            <Options
              provider={provider}
              options={model.options}
              problem={problemAt(problems, `${path}.options`)}
              isDisabled={isDisabled}
              onChange={(options) => onChange({ ...model, options })}
            />
          </div>
        </details>
      )}
    </div>
  );
}
