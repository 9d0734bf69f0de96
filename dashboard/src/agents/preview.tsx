"use client";

import { useId, type ReactNode } from "react";
import { isObject } from "@/data/json";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { controlClass } from "@/ui/field";
import { CALL_VALUES, pathsOf } from "./completions";
import type { Draft } from "./draft";
import { render, type Template } from "./template";

type Values = Readonly<Record<string, string>>;

interface Props {
  system: Template;
  greeting: Template;
  values: Values;
  onValues(values: Values): void;
  settings: Readonly<Record<string, unknown>> | null;
  variables: Draft["variables"];
  onVariables(variables: Draft["variables"]): void;
  isDisabled: boolean;
  problem: string | undefined;
  problemOf(index: number): string | undefined;
}

/** The slots of the prompt with their defaults, and what the model and the caller get with values for a try. */
export function Preview({ system, greeting, values, onValues, settings, variables, onVariables, isDisabled, problem, problemOf }: Props) {
  const used = pathsOf([greeting, system]);
  const unused = variables.map(({ name }) => name).filter((name) => !used.includes(name));
  const defaults = Object.fromEntries(variables.map((each) => [each.name, each.default]));
  const given = Object.fromEntries(used.flatMap((path) => valueOf(path, values, settings)));
  const setDefault = (path: string, text: string) => {
    const others = variables.filter(({ name }) => name !== path);
    const index = variables.findIndex(({ name }) => name === path);
    if (!text) onVariables(others);
    else if (index < 0) onVariables([...variables, { name: path, default: text }]);
    else onVariables(variables.with(index, { name: path, default: text }));
  };
  const unknown = used.filter((path) => noteOf(path, settings).isUnknown);
  return (
    <div className="grid gap-4 rounded-lg bg-sunken p-4">
      <h3 className="text-sm font-semibold">Slots and preview</h3>
      {used.length + unused.length === 0 && (
        <p className="text-sm text-muted">The prompt has no slots. A slot such as {"{{user.name}}"} is replaced by a value of the call.</p>
      )}
      {problem && <p className="text-xs text-bad">{problem}</p>}
      {[...used, ...unused].length > 0 && (
        <ul aria-label="Slots" className="grid gap-2">
          {[...used, ...unused].map((path) => (
            <SlotRow
              key={path}
              path={path}
              note={used.includes(path) ? noteOf(path, settings) : { text: "Not used by the prompt or the greeting", isUnknown: false }}
              value={values[path] ?? ""}
              known={settingOf(path, settings)}
              onValue={(text) => onValues({ ...values, [path]: text })}
              fallback={defaults[path] ?? ""}
              onFallback={(text) => setDefault(path, text)}
              onRemove={used.includes(path) ? null : () => setDefault(path, "")}
              problem={problemOf(variables.findIndex(({ name }) => name === path))}
              isDisabled={isDisabled}
            />
          ))}
        </ul>
      )}
      {unknown.length > 0 && (
        <p className="text-sm text-warn">
          Unknown: <span className="font-mono text-[13px]">{unknown.join(", ")}</span>. Without a default, these slots stay empty.
        </p>
      )}
      <Result title="The agent says first" empty="Nothing: it waits for the caller." template={greeting} values={given} defaults={defaults} />
      <Result title="The model is instructed" empty="The instructions are empty." template={system} values={given} defaults={defaults} />
    </div>
  );
}

const valueOf = (path: string, values: Values, settings: Props["settings"]): [string, string][] => {
  const value = values[path] || settingOf(path, settings);
  return value ? [[path, value]] : [];
};

/** The value of the settings that a path reads, as text; null if there is none. */
function settingOf(path: string, settings: Props["settings"]): string | null {
  const [tenant, group, ...rest] = path.split(".");
  if (tenant !== "tenant" || group !== "settings" || !rest.length) return null;
  const found = rest.reduce<unknown>((value, key) => (isObject(value) ? value[key] : Array.isArray(value) ? value[Number(key)] : undefined), settings);
  return found === undefined || found === null ? null : typeof found === "string" ? found : JSON.stringify(found);
}

interface Note {
  readonly text: string;
  readonly isUnknown: boolean;
}

function noteOf(path: string, settings: Props["settings"]): Note {
  const [namespace = "", key = ""] = path.split(".");
  const known = (text: string): Note => ({ text, isUnknown: false });
  if (namespace === "user") return known("Passed to the call as user context");
  if (namespace === "call") {
    const detail = CALL_VALUES[key];
    return detail && path.split(".").length === 2 ? known(`Of the call: ${detail}`) : { text: "Calls have no such value", isUnknown: true };
  }
  if (namespace === "tenant") {
    if (key !== "settings") return { text: "Only tenant.settings has values", isUnknown: true };
    if (!settings) return known("A value of the settings");
    return settingOf(path, settings) === null ? { text: "The settings have no such value", isUnknown: true } : known("A value of the settings");
  }
  if (namespace === "history") return known("Of the course of the call");
  return known(namespace === "flags" ? "A flag that tools set" : "Written by tools");
}

interface SlotRowProps {
  path: string;
  note: Note;
  value: string;
  known: string | null;
  onValue(text: string): void;
  fallback: string;
  onFallback(text: string): void;
  onRemove: (() => void) | null;
  problem: string | undefined;
  isDisabled: boolean;
}

function SlotRow({ path, note, value, known, onValue, fallback, onFallback, onRemove, problem, isDisabled }: SlotRowProps) {
  const id = useId();
  return (
    <li className="grid gap-x-3 gap-y-1.5 rounded-md border bg-surface p-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_minmax(0,1fr)]">
      <div className="min-w-0">
        <p className="font-mono text-[13px] break-words">{path}</p>
        <p className="text-xs text-muted">{note.isUnknown ? <Badge tone="warn">{note.text}</Badge> : note.text}</p>
      </div>
      <Labelled id={`${id}-default`} label="Default" of={path}>
        <input
          id={`${id}-default`}
          value={fallback}
          disabled={isDisabled}
          placeholder="None"
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? `${id}-problem` : undefined}
          onChange={({ target }) => onFallback(target.value)}
          className={`${controlClass} h-9`}
        />
        {problem && (
          <span id={`${id}-problem`} className="text-xs text-bad">
            {problem}
          </span>
        )}
      </Labelled>
      {onRemove ? (
        <div className="self-end">
          <Button disabled={isDisabled} onClick={onRemove}>
            Remove<span className="sr-only"> the default of {path}</span>
          </Button>
        </div>
      ) : (
        <Labelled id={`${id}-value`} label="For the preview" of={path}>
          <input
            id={`${id}-value`}
            value={value}
            placeholder={known ?? "No value"}
            onChange={({ target }) => onValue(target.value)}
            className={`${controlClass} h-9`}
          />
        </Labelled>
      )}
    </li>
  );
}

function Labelled({ id, label, of, children }: { id: string; label: string; of: string; children: ReactNode }) {
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className="text-xs text-muted">
        {label}
        <span className="sr-only"> of {of}</span>
      </label>
      {children}
    </div>
  );
}

interface ResultProps {
  title: string;
  empty: string;
  template: Template;
  values: Values;
  defaults: Values;
}

function Result({ title, empty, template, values, defaults }: ResultProps) {
  const id = useId();
  const parts = render(template, values, defaults);
  const isEmpty = parts.every(({ text }) => !text.trim());
  return (
    <div role="group" aria-labelledby={id} className="min-w-0">
      <p id={id} className="text-xs font-medium text-muted">
        {title}
      </p>
      {isEmpty && !template.parts.length ? (
        <p className="mt-1 text-sm text-muted">{empty}</p>
      ) : (
        <p data-preview className="mt-1 max-h-80 overflow-y-auto text-sm break-words whitespace-pre-wrap" tabIndex={0}>
          {parts.map(({ text, slot }, index) =>
            slot ? (
              <mark key={index} title={slot.path} className={`rounded px-0.5 ${text ? "bg-accent-soft text-accent" : "bg-warn-soft text-warn"}`}>
                {text || <span data-empty>{slot.path} is empty</span>}
              </mark>
            ) : (
              text
            ),
          )}
        </p>
      )}
    </div>
  );
}
