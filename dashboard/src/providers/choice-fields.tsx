"use client";

import { useQuery } from "urql";
import { CredentialsDocument, ProvidersDocument, type ProviderKind } from "@/gql/providers";
import { isSame, type Form } from "@/data/use-form";
import { useMay } from "@/data/viewer";
import { Choice as Select, Field } from "@/ui/field";
import { JsonField } from "@/ui/json-field";
import { More } from "@/ui/more";
import { Rows } from "@/ui/rows";
import { Suggested } from "@/ui/suggested";
import { NO_CHOICE, type Choice, type SingleChoice } from "./choice";
import type { Entry } from "./provider";

interface Common {
  kind: ProviderKind;
  /** What is shown for no provider; fallbacks need one. */
  none?: string;
  /** The path of the choice in the form. */
  at: string;
  form: Pick<Form<object>, "problems" | "problemAt">;
}

interface ChoiceProps extends Common {
  choice: Choice;
  onChange(choice: Choice): void;
}

const MAX_FALLBACKS = 3;

/** A provider with its model, options and fallbacks. */
export function ChoiceFields({ choice, onChange, at, form, kind, none }: ChoiceProps) {
  return (
    <div className="grid gap-4">
      <SingleFields kind={kind} none={none ?? "None"} choice={choice} at={at} form={form} onChange={(changes) => onChange({ ...choice, ...changes })} />
      {form.problems[at] && <p className="text-xs text-bad">{form.problems[at]}</p>}
      {choice.provider && (kind !== "VAD" || choice.fallbacks.length > 0) && (
        <div className="grid gap-2">
          <p className="text-sm font-medium">Fallbacks</p>
          <p className="text-xs text-muted">They take over within the same sentence, in this order. At most {MAX_FALLBACKS}.</p>
          <Rows
            what="fallback"
            rows={choice.fallbacks}
            problem={form.problems[`${at}.fallbacks`]}
            onChange={(fallbacks) => onChange({ ...choice, fallbacks })}
            create={(): SingleChoice => ({ provider: "", model: "", credential: "", options: {} })}
            max={MAX_FALLBACKS}
          >
            {(fallback, index, change) => (
              <SingleFields kind={kind} choice={fallback} at={`${at}.fallbacks.${index}`} form={form} onChange={change} />
            )}
          </Rows>
        </div>
      )}
    </div>
  );
}

interface SingleProps extends Common {
  choice: SingleChoice;
  onChange(changes: Partial<SingleChoice> | Choice): void;
}

function SingleFields({ kind, none, choice, at, form: { problemAt }, onChange }: SingleProps) {
  const [{ data }] = useQuery({ query: ProvidersDocument });
  const [{ data: stored }] = useQuery({ query: CredentialsDocument, pause: !useMay("CREDENTIALS_READ") });
  const entries = data?.providers?.filter((each) => each.kind === kind) ?? [];
  const entry = entries.find(({ name }) => name === choice.provider);
  const labels = stored?.credentials?.filter(({ provider }) => provider === choice.provider).flatMap(({ label }) => label ?? []) ?? [];
  // Models, labels and options are those of one provider.
  const choose = (provider: string) =>
    onChange(provider ? { provider, model: entries.find(({ name }) => name === provider)?.models[0] ?? "", credential: "", options: {} } : NO_CHOICE);
  return (
    <div className="grid gap-4">
      <div className="grid gap-4 sm:grid-cols-3">
        <Select label="Provider" value={choice.provider} problem={problemAt(`${at}.provider`)} onChange={({ target }) => choose(target.value)}>
          <option value="">{none ?? "Choose one"}</option>
          {choice.provider && !entry && <option value={choice.provider}>{choice.provider}</option>}
          {entries.map(({ name, displayName }) => (
            <option key={name} value={name}>
              {displayName}
            </option>
          ))}
        </Select>
        <Suggested
          label="Model"
          value={choice.model}
          options={entry?.models ?? []}
          disabled={!choice.provider}
          problem={problemAt(`${at}.model`)}
          onChange={(model) => onChange({ model })}
        />
        <Suggested
          label="Label of the key"
          placeholder="None"
          value={choice.credential}
          options={labels}
          disabled={!choice.provider || entry?.needsKey === false}
          problem={problemAt(`${at}.credential`)}
          onChange={(credential) => onChange({ credential })}
        />
      </div>
      {entry && entry.options.length > 0 && (
        <Options entry={entry} options={choice.options} problem={problemAt(`${at}.options`)} onChange={(options) => onChange({ options })} />
      )}
    </div>
  );
}

interface OptionsProps {
  entry: Entry;
  options: SingleChoice["options"];
  problem: string | undefined;
  onChange(options: SingleChoice["options"]): void;
}

function Options({ entry, options, problem, onChange }: OptionsProps) {
  const chosen = Object.keys(options).length;
  const set = (name: string, value: unknown) => {
    const { [name]: _before, ...rest } = options;
    onChange(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <More
      isNeeded={problem !== undefined}
      title={<>Options {chosen > 0 && <span className="font-normal text-muted">({chosen} set)</span>}</>}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        {entry.options.map((option) => (
          <OptionField key={option.name} option={option} value={options[option.name]} onChange={(value) => set(option.name, value)} />
        ))}
      </div>
      {problem && <p className="text-xs text-bad">{problem}</p>}
    </More>
  );
}

interface OptionProps {
  option: Entry["options"][number];
  /** Undefined where the provider decides. */
  value: unknown;
  onChange(value: unknown): void;
}

function OptionField({ option: { name, type, help, default: usual, minimum, maximum, choices }, value, onChange }: OptionProps) {
  const placeholder = usual === null ? "" : JSON.stringify(usual);
  const unset = `Default${placeholder ? ` (${placeholder})` : ""}`;
  const text = value === undefined ? "" : String(value);
  if (type === "BOOLEAN") {
    return (
      <Select label={name} hint={help} value={text} onChange={({ target }) => onChange(target.value === "" ? undefined : target.value === "true")}>
        <option value="">{unset}</option>
        <option value="true">Yes</option>
        <option value="false">No</option>
      </Select>
    );
  }
  if (choices.length) {
    return (
      <Select label={name} hint={help} value={text} onChange={({ target }) => onChange(target.value || undefined)}>
        <option value="">{unset}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </Select>
    );
  }
  if (type === "LIST") {
    return <JsonField label={name} rows={3} hint={help} value={value ?? usual ?? []} onChange={(list) => onChange(isSame(list, usual ?? []) ? undefined : list)} />;
  }
  if (type === "TEXT") return <Field label={name} hint={help} placeholder={placeholder} value={text} onChange={({ target }) => onChange(target.value || undefined)} />;
  return (
    <Field
      label={name}
      hint={help}
      type="number"
      step={type === "INTEGER" ? 1 : "any"}
      min={minimum ?? undefined}
      max={maximum ?? undefined}
      placeholder={placeholder}
      value={text}
      onChange={({ target }) => onChange(target.value === "" ? undefined : Number(target.value))}
    />
  );
}
