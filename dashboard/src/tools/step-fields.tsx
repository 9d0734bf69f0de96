"use client";

import { useId } from "react";
import { parseJson } from "@/data/json";
import { problemAt } from "@/data/problem";
import { findProblem } from "@/data/refusal";
import { Button } from "@/ui/button";
import { Check } from "@/ui/check";
import { CodeEditor, type CodeCompletion } from "@/ui/code-editor";
import { Choice, controlClass, Field } from "@/ui/field";
import { More } from "@/ui/more";
import { CODECS, isAnyValue, isRows, newRow, rowsOf, textOf, type FormValue, type Row } from "./codecs";
import { isShown, type Step } from "./draft";
import { useToolForm, type Offers } from "./form-context";
import { JsonEditor, TemplateEditor, type Reads } from "./editors";
import { parsedObject, pretty } from "./json";
import { kindOf, type StepField } from "./step-kinds";

interface StepProps {
  step: Step;
  onChange(step: Step): void;
}

/** The form of a step. What is seldom changed is in a part that opens. */
export function StepFields({ step, onChange }: StepProps) {
  const { about, fields } = kindOf(step.kind);
  const shown = fields.filter((field) => isShown(field, step.values));
  const { problems } = useToolForm();
  const set = (name: string, value: FormValue) => onChange({ ...step, values: { ...step.values, [name]: value } });
  const rare = shown.filter(({ isRare }) => isRare);
  const isMarked = rare.some(({ name }) => problemAt(problems, `${step.id}.${name}`));
  const view = (field: StepField) => (
    <StepFieldView key={field.name} step={step} field={field} onChange={(value) => set(field.name, value)} />
  );
  return (
    <div className="grid gap-4">
      {about && <p className="text-sm text-muted">{about}</p>}
      {shown.filter(({ isRare }) => !isRare).map(view)}
      {rare.length > 0 && (
        <More title="More settings" isNeeded={isMarked}>
          {rare.map(view)}
        </More>
      )}
    </div>
  );
}

interface FieldProps {
  step: Step;
  field: StepField;
  onChange(value: FormValue): void;
}

function StepFieldView({ step, field, onChange }: FieldProps) {
  const { offers, problems, isReadOnly } = useToolForm();
  const value = step.values[field.name];
  const problem = findProblem(problems, `${step.id}.${field.name}`);
  const inside = field.control === "pairs" || field.control === "paths" ? problem?.inside : undefined;
  const common = { label: field.label, hint: field.hint, problem: problem && (inside ? `${inside}: ${problem.message}` : problem.message) };
  const code = { ...common, value: textOf(value), onChange, readOnly: isReadOnly, completions: completionsOf(offers, field) };
  switch (field.control) {
    case "template":
      return <TemplateEditor {...code} {...withExample(code, field)} reads={field.reads} />;
    case "lines":
      return <TemplateEditor {...code} minLines={3} />;
    case "expression":
      return <CodeEditor {...code} {...withExample(code, field)} language="expression" />;
    case "flag":
      return (
        <Check label={field.label} checked={value === true} disabled={isReadOnly} onChange={({ target }) => onChange(target.checked)} />
      );
    case "choice":
      return (
        <Choice {...common} value={textOf(value)} disabled={isReadOnly} onChange={({ target }) => onChange(target.value)}>
          {field.options?.map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Choice>
      );
    case "number":
    case "seconds":
      return (
        <Field
          {...common}
          type="number"
          min={0}
          step={field.control === "seconds" ? "any" : 1}
          value={textOf(value)}
          placeholder={field.placeholder}
          disabled={isReadOnly}
          onChange={({ target }) => onChange(target.value)}
        />
      );
    case "value":
      return <AnyValueField {...code} value={value} reads={field.reads} />;
    case "pairs":
      return <Pairs {...code} value={value} reads={field.reads} nameLabel="Name" valueLabel="Value" />;
    case "paths":
      return <Pairs {...code} value={value} nameLabel="Context path" valueLabel="Response path" isPlain />;
    case "rules":
      return <Rules {...code} step={step} field={field} rows={rowsOf(value)} />;
    case "text":
      return (
        <NameField
          {...common}
          field={field}
          names={namesOf(offers, field, step)}
          value={textOf(value)}
          isDisabled={isReadOnly}
          onChange={onChange}
        />
      );
  }
}

/** An editor has no placeholder, so an example is in its hint. */
const withExample = ({ value, hint }: { value: string; hint: string | undefined }, { placeholder }: StepField) =>
  value || !placeholder ? {} : { hint: `${hint ? `${hint} ` : ""}For example ${placeholder}` };

function completionsOf(offers: Offers, { reads }: StepField): readonly CodeCompletion[] {
  if (reads === "headers") return [...offers.secrets, ...offers.masked, ...offers.readable];
  return reads === "request" ? [...offers.masked, ...offers.readable] : offers.readable;
}

function namesOf(offers: Offers, { offers: from }: StepField, { values }: Step): readonly string[] {
  if (!from) return [];
  if (from === "serverTools") return offers.toolsOf[textOf(values.server)] ?? [];
  return from === "readable" ? offers.readable.map(({ label }) => label) : offers[from];
}

interface Common {
  label: string;
  hint: string | undefined;
  problem: string | undefined;
}

interface NameProps extends Common {
  field: StepField;
  names: readonly string[];
  value: string;
  isDisabled: boolean;
  onChange(value: string): void;
}

function NameField({ field, names, isDisabled, onChange, ...shown }: NameProps) {
  const id = useId();
  return (
    <div>
      <Field
        {...shown}
        placeholder={field.placeholder}
        disabled={isDisabled}
        list={names.length ? id : undefined}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => onChange(target.value)}
      />
      {names.length > 0 && (
        <datalist id={id}>
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
    </div>
  );
}

interface CodeProps extends Common {
  value: FormValue | undefined;
  onChange(value: FormValue): void;
  readOnly: boolean;
  completions: readonly CodeCompletion[];
  reads?: Reads | undefined;
}

/** The two ways to write a value. Changing the way keeps what is written, where it can be. */
function AnyValueField({ value, onChange, label, reads, ...editor }: CodeProps) {
  const { isJson, text } = isAnyValue(value) ? value : { isJson: false, text: "" };
  const change = (next: boolean) => {
    if (next) return onChange({ isJson: true, text: text && pretty(text) });
    const json = parseJson(text).value;
    onChange({ isJson: false, text: typeof json === "string" ? json : text });
  };
  return (
    <div className="grid gap-1.5">
      {isJson ? (
        <JsonEditor {...editor} label={label} value={text} minLines={3} onChange={(next) => onChange({ isJson, text: next })} />
      ) : (
        <TemplateEditor {...editor} label={label} value={text} reads={reads} onChange={(next) => onChange({ isJson, text: next })} />
      )}
      <Switch
        label={`Type of ${label.toLowerCase()}`}
        value={isJson ? "json" : "text"}
        isDisabled={editor.readOnly}
        options={[
          ["text", "Text"],
          ["json", "JSON"],
        ]}
        onChange={(chosen) => change(chosen === "json")}
      />
    </div>
  );
}

interface SwitchProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, string])[];
  isDisabled?: boolean;
  onChange(value: Value): void;
}

/** A choice between two or three ways to look at the same value. */
export function Switch<const Value extends string>({ label, value, options, isDisabled = false, onChange }: SwitchProps<Value>) {
  return (
    <div role="group" aria-label={label} className="inline-flex w-fit rounded-md border bg-sunken p-0.5">
      {options.map(([name, title]) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === value}
          disabled={isDisabled}
          onClick={() => name !== value && onChange(name)}
          className="h-7 rounded px-2.5 text-xs font-medium text-muted aria-pressed:bg-surface aria-pressed:text-text aria-pressed:shadow-soft"
        >
          {title}
        </button>
      ))}
    </div>
  );
}

interface PairsProps extends CodeProps {
  nameLabel: string;
  valueLabel: string;
  /** The values are no templates. */
  isPlain?: boolean;
}

/** An object of texts as rows, or any object as JSON. */
export function Pairs({ value, onChange, nameLabel, valueLabel, isPlain = false, reads, ...editor }: PairsProps) {
  const { label, hint, problem, readOnly } = editor;
  if (!isRows(value)) {
    const { object, problem: mistake } = parsedObject(textOf(value));
    const asRows = Object.keys(object).length ? CODECS.pairs.read(object) : [];
    return (
      <div className="grid gap-1.5">
        <JsonEditor {...editor} value={textOf(value)} onChange={onChange} minLines={3} />
        {!readOnly && !mistake && isRows(asRows) && <AsOther title="Edit as rows" of={label} onClick={() => onChange(asRows)} />}
      </div>
    );
  }
  const set = (row: Row) => onChange(value.map((each) => (each.id === row.id ? row : each)));
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-sm font-medium">{label}</legend>
      {value.map((row, index) => {
        const of = `${label}, ${index + 1}`;
        return (
          <div
            key={row.id}
            className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-2 sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)_auto]"
          >
            <Bare
              label={`${nameLabel} of ${of}`}
              placeholder={nameLabel}
              value={row.name}
              isDisabled={readOnly}
              onChange={(name) => set({ ...row, name })}
            />
            <div className="col-span-2 row-start-2 min-w-0 sm:col-span-1 sm:row-start-auto [&_label]:sr-only">
              {isPlain ? (
                <Bare
                  label={`${valueLabel} of ${of}`}
                  placeholder={valueLabel}
                  value={row.value}
                  isDisabled={readOnly}
                  onChange={(text) => set({ ...row, value: text })}
                />
              ) : (
                <TemplateEditor
                  label={`${valueLabel} of ${of}`}
                  value={row.value}
                  reads={reads}
                  readOnly={readOnly}
                  completions={editor.completions}
                  onChange={(text) => set({ ...row, value: text })}
                />
              )}
            </div>
            <div className="col-start-2 row-start-1 sm:col-start-auto sm:row-start-auto">
              <RemoveRow of={of} isDisabled={readOnly} onClick={() => onChange(value.filter(({ id }) => id !== row.id))} />
            </div>
          </div>
        );
      })}
      <Below hint={hint} problem={problem} />
      {!readOnly && (
        <div className="flex flex-wrap items-center gap-x-4">
          <Button icon="plus" aria-label={`Add a row to ${label}`} onClick={() => onChange([...value, newRow()])}>
            Add
          </Button>
          <AsOther title="Edit as JSON" of={label} onClick={() => onChange(jsonOfRows(value))} />
        </div>
      )}
    </fieldset>
  );
}

const jsonOfRows = (rows: readonly Row[]) => pretty(Object.fromEntries(rows.map(({ name, value }) => [name.trim(), value])));

function Below({ hint, problem }: { hint: string | undefined; problem: string | undefined }) {
  return (
    <>
      {hint && <p className="text-xs text-muted">{hint}</p>}
      {problem && (
        <p data-problem tabIndex={-1} className="text-xs text-bad">
          {problem}
        </p>
      )}
    </>
  );
}

const AsOther = ({ title, of, onClick }: { title: string; of: string; onClick(): void }) => (
  <button type="button" aria-label={`${title}: ${of}`} className="min-h-6 w-fit text-xs text-accent underline" onClick={onClick}>
    {title}
  </button>
);

interface BareProps {
  label: string;
  placeholder: string;
  value: string;
  isDisabled: boolean;
  onChange(value: string): void;
}

const Bare = ({ label, placeholder, value, isDisabled, onChange }: BareProps) => (
  <input
    aria-label={label}
    placeholder={placeholder}
    value={value}
    disabled={isDisabled}
    autoCapitalize="none"
    autoComplete="off"
    spellCheck={false}
    onChange={({ target }) => onChange(target.value)}
    className={`${controlClass} h-9 font-mono text-[13px]`}
  />
);

const RemoveRow = ({ of, isDisabled, onClick }: { of: string; isDisabled: boolean; onClick(): void }) => (
  <Button kind="ghost" icon="close" aria-label={`Remove ${of}`} disabled={isDisabled} onClick={onClick} />
);

interface RulesProps extends Omit<CodeProps, "value" | "reads"> {
  step: Step;
  field: StepField;
  rows: readonly Row[];
}

function Rules({ step, field, rows, label, readOnly, completions, onChange }: RulesProps) {
  const { problems } = useToolForm();
  const set = (row: Row) => onChange(rows.map((each) => (each.id === row.id ? row : each)));
  const at = `${step.id}.${field.name}`;
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-1.5 text-sm font-medium">{label}</legend>
      {rows.map((row, index) => (
        <div key={row.id} className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-2 rounded-md border p-3">
          <div className="grid min-w-0 gap-3">
            <CodeEditor
              label={`Condition of rule ${index + 1}`}
              language="expression"
              value={row.name}
              readOnly={readOnly}
              completions={completions}
              problem={problemAt(problems, `${at}.${index}.condition`)}
              onChange={(name) => set({ ...row, name })}
            />
            <TemplateEditor
              label={`Message of rule ${index + 1}`}
              value={row.value}
              readOnly={readOnly}
              completions={completions}
              problem={problemAt(problems, `${at}.${index}.message`)}
              onChange={(value) => set({ ...row, value })}
            />
          </div>
          <RemoveRow of={`rule ${index + 1}`} isDisabled={readOnly} onClick={() => onChange(rows.filter(({ id }) => id !== row.id))} />
        </div>
      ))}
      <Below hint={undefined} problem={problems[at]} />
      {!readOnly && (
        <Button icon="plus" className="w-fit" onClick={() => onChange([...rows, newRow()])}>
          Add a rule
        </Button>
      )}
    </fieldset>
  );
}
