"use client";

import { useEffect, useState } from "react";
import { parseJson } from "@/data/json";
import { plain } from "@/data/words";
import { Button } from "@/ui/button";
import { CodeEditor } from "@/ui/code-editor";
import { Choice, Field } from "@/ui/field";
import { NumberField } from "@/ui/number-field";
import type { Model, Option, Provider } from "./models";

interface Props {
  provider: Provider | undefined;
  options: Model["options"];
  onChange(options: Model["options"]): void;
  problem: string | undefined;
  isDisabled: boolean;
}

/** A form of the options that the provider describes. Options that it does not describe can be removed. */
export function Options({ provider, options, onChange, problem, isDisabled }: Props) {
  const described = provider?.options ?? [];
  const others = Object.keys(options).filter((name) => !described.some((each) => each.name === name));
  const set = (name: string, value: unknown) =>
    onChange(Object.fromEntries(Object.entries({ ...options, [name]: value }).filter(([, each]) => each !== undefined)));
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      {described.map((option) => (
        <OptionField
          key={option.name}
          option={option}
          value={options[option.name]}
          onChange={(value) => set(option.name, value)}
          isDisabled={isDisabled}
        />
      ))}
      {others.map((name) => (
        <div key={name} className="flex min-w-0 items-center gap-3 text-sm">
          <span className="min-w-0 grow">
            <span className="block font-mono text-[13px] break-words">
              {name}: {JSON.stringify(options[name])}
            </span>
            <span className="text-xs text-muted">The catalog does not describe this option.</span>
          </span>
          <Button disabled={isDisabled} onClick={() => set(name, undefined)}>
            Remove<span className="sr-only"> the option {name}</span>
          </Button>
        </div>
      ))}
      {problem && <p className="text-xs text-bad sm:col-span-2">{problem}</p>}
    </div>
  );
}

interface OptionProps {
  option: Option;
  value: unknown;
  /** Undefined removes the option, so that its default applies. */
  onChange(value: unknown): void;
  isDisabled: boolean;
}

const labelOf = (name: string) => name.charAt(0).toUpperCase() + plain(name.slice(1));

function OptionField({ option, value, onChange, isDisabled }: OptionProps) {
  const { name, type, help, minimum, maximum, choices } = option;
  const unset = option.default === null ? "Decided by the provider" : `Default: ${textOf(option.default)}`;
  const field = { label: labelOf(name), hint: help, disabled: isDisabled };
  if (type === "LIST") return <ListField option={option} value={value} onChange={onChange} isDisabled={isDisabled} />;
  if (type === "BOOLEAN") {
    return (
      <Choice
        {...field}
        value={value === undefined ? "" : String(value)}
        onChange={({ target }) => onChange(target.value ? target.value === "true" : undefined)}
      >
        <option value="">{unset}</option>
        <option value="true">On</option>
        <option value="false">Off</option>
      </Choice>
    );
  }
  if (choices.length) {
    const text = value === undefined ? "" : String(value);
    return (
      <Choice {...field} value={text} onChange={({ target }) => onChange(target.value || undefined)}>
        <option value="">{unset}</option>
        {text && !choices.includes(text) && <option value={text}>{text}</option>}
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </Choice>
    );
  }
  if (type === "TEXT") {
    const text = value === undefined ? "" : String(value);
    return <Field {...field} placeholder={unset} value={text} onChange={({ target }) => onChange(target.value || undefined)} />;
  }
  const range = [minimum !== null && `from ${minimum}`, maximum !== null && `to ${maximum}`].filter(Boolean).join(" ");
  return (
    <NumberField
      {...field}
      label={range ? `${labelOf(name)} (${range})` : labelOf(name)}
      min={minimum ?? undefined}
      max={maximum ?? undefined}
      isWhole={type === "INTEGER"}
      placeholder={unset}
      value={typeof value === "number" ? value : undefined}
      onChange={onChange}
    />
  );
}

const textOf = (value: unknown) => (value === true ? "on" : value === false ? "off" : typeof value === "string" ? value : JSON.stringify(value));

/** A list as JSON. A text that is not a list is kept as it is, so that nothing typed is lost; `unfinished` finds it. */
function ListField({ option, value, onChange, isDisabled }: OptionProps) {
  const [text, setText] = useState(() => written(value));
  const [sent, setSent] = useState(value);
  useEffect(() => {
    if (JSON.stringify(value) === JSON.stringify(sent)) return;
    setText(written(value));
    setSent(value);
  }, [value, sent]);
  const { problem } = listOf(text);
  return (
    <div className="min-w-0 sm:col-span-2">
      <CodeEditor
        language="json"
        label={labelOf(option.name)}
        hint={`${option.help} A list as JSON; empty for the default.`}
        minLines={4}
        value={text}
        problems={problem ? [problem] : undefined}
        readOnly={isDisabled}
        onChange={(next) => {
          const list = listOf(next);
          const changed = next.trim() ? (list.problem ? next : list.value) : undefined;
          setText(next);
          setSent(changed);
          onChange(changed);
        }}
      />
    </div>
  );
}

const written = (value: unknown) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));

function listOf(text: string) {
  if (!text.trim()) return { value: undefined, problem: null };
  const parsed = parseJson(text);
  if (parsed.problem || Array.isArray(parsed.value)) return parsed;
  return { value: undefined, problem: { from: 0, to: text.length, message: "This is not a list. It begins with [ and ends with ]." } };
}
