"use client";

import { useId, useState } from "react";
import { problemAt, type Problems } from "@/data/problem";
import { Choice, Field } from "@/ui/field";
import { Icon } from "@/ui/icons";
import { Rows } from "@/ui/rows";
import type { Catalog } from "./catalog";
import { Listen } from "./listen";
import { findProvider, modelPath, nameOfModel, providersOf, unsupported, type Chain, type Kind, type Model } from "./models";
import { Options } from "./options";

const TITLES: Record<Kind, { title: string; about: string }> = {
  llm: { title: "Language model", about: "Writes the replies and chooses tools." },
  stt: { title: "Speech to text", about: "Transcribes the caller." },
  vad: { title: "Voice activity detection", about: "Detects when the caller speaks." },
  tts: { title: "Text to speech", about: "Speaks the replies." },
};

interface Props {
  kind: Kind;
  chain: Chain;
  onChange(chain: Chain): void;
  catalog: Catalog;
  /** What is said of a chain without any provider. */
  none: string;
  /** What a chain begins with; the first provider of the catalog if there is none. */
  inherited?: Pick<Model, "provider" | "model"> | null;
  /** The languages that the provider should support. */
  languages?: readonly string[];
  /** What a text-to-speech provider speaks first, and its voice for it; both empty for the usual ones. */
  spoken?: { readonly language: string; readonly voice: string };
  problems: Problems;
  /** Where the chain is in the input. */
  path: string;
  isDisabled: boolean;
}

const MAX_FALLBACKS = 3;
const USUAL = { language: "", voice: "" };

/** A provider and those that replace it when it fails, in the order in which they are tried. */
export function ChainEditor({ kind, chain, onChange, catalog, none, inherited = null, languages = [], spoken = USUAL, problems, path, isDisabled }: Props) {
  const id = useId();
  const { title, about } = TITLES[kind];
  const refused = problems[path] ?? problems[`${path}.fallbacks`];
  return (
    <div role="group" aria-labelledby={id} className="grid gap-3">
      <div>
        <h3 id={id} className="text-sm font-semibold">
          {title}
        </h3>
        <p className="text-xs text-muted">{about}</p>
      </div>
      <Rows<Model>
        what="model"
        label={`${title}, in the order in which they are used`}
        rows={chain}
        problem={refused}
        none={none}
        nameOf={(model, index) => nameOfModel(catalog.providers, kind, model) || `${title} ${index + 1}`}
        onChange={onChange}
        max={1 + MAX_FALLBACKS}
        isSortable
        isDisabled={isDisabled}
        addLabel={chain.length ? "Add a fallback" : `Choose ${kind === "llm" ? "a model" : "a provider"}`}
        create={() => newModel(catalog, kind, chain, inherited)}
      >
        {(model, index, change) => (
          <ModelForm
            kind={kind}
            label={index === 0 ? title : `Fallback ${index}`}
            model={model}
            onChange={change}
            catalog={catalog}
            languages={languages}
            // Voices belong to a provider, so fallbacks of other providers use their own.
            spoken={model.provider === chain[0]?.provider ? spoken : { ...spoken, voice: "" }}
            problems={problems}
            path={modelPath(path, index)}
            isDisabled={isDisabled}
          />
        )}
      </Rows>
    </div>
  );
}

/** What a chain begins with, else the first provider of the catalog that it does not have yet. */
function newModel({ providers }: Catalog, kind: Kind, chain: Chain, inherited: Props["inherited"]): Model {
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
  spoken: { readonly language: string; readonly voice: string };
  problems: Problems;
  path: string;
  isDisabled: boolean;
}

function ModelForm({ kind, label, model, onChange, catalog, languages, spoken, problems: saved, path, isDisabled }: ModelProps) {
  const id = useId();
  const offered = providersOf(catalog.providers, kind);
  const provider = findProvider(catalog.providers, kind, model.provider);
  const labels = catalog.credentials.get(model.provider) ?? [];
  const foreign = provider ? unsupported(provider, languages) : [];
  const count = Object.keys(model.options).length;
  const [heard, setHeard] = useState<Problems>({});
  const problems = { ...saved, ...heard };
  const optionProblem = problemAt(problems, `${path}.options`);
  const [isOpen, setOpen] = useState(false);
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
        <details className="group" open={isOpen || Boolean(optionProblem)} onToggle={(event) => setOpen(event.currentTarget.open)}>
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
              problem={optionProblem}
              isDisabled={isDisabled}
              onChange={(options) => onChange({ ...model, options })}
            />
          </div>
        </details>
      )}
      {kind === "tts" && (
        <Listen
          {...{ catalog, model, ...spoken }}
          what={nameOfModel(catalog.providers, kind, model)}
          isShown={(at) => at.startsWith("tts.") && at !== "tts.provider"}
          onProblems={(found) => setHeard(placedAt(path, found))}
        />
      )}
    </div>
  );
}

/** What a preview found wrong with a provider, where the form has its values. */
const placedAt = (path: string, problems: Problems): Problems =>
  Object.fromEntries(Object.entries(problems).map(([at, message]) => [`${path}${at.slice("tts".length)}`, message]));
