"use client";

import { useEffect, useRef, useState } from "react";
import { isObject, parseJson, type JsonObject } from "@/data/json";
import { isSame } from "@/data/use-form";
import { Choice, TextArea } from "@/ui/field";
import { JsonEditor } from "./editors";
import { parsedObject, pretty } from "./json";
import { ScalarField } from "./scalar-field";
import * as Schema from "./schema";
import { Switch } from "./step-fields";

interface Props {
  schema: JsonObject;
  /** The arguments as JSON. */
  text: string;
  problem: string | undefined;
  onChange(text: string): void;
}

/** The arguments that a model would give, as a form that the parameters make, or as JSON. */
export function Arguments({ schema, text, problem, onChange }: Props) {
  const [view, setView] = useState<"form" | "json">("form");
  const given = parsedObject(text);
  const isForm = view === "form" && !given.problem;
  const isEmpty = Schema.propertiesOf(schema).length === 0;
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h3 className="text-sm font-medium">Arguments</h3>
        <Switch
          label="View of the arguments"
          value={isForm ? "form" : "json"}
          options={[
            ["form", "Form"],
            ["json", "JSON"],
          ]}
          isDisabled={given.problem !== null}
          onChange={(chosen) => setView(chosen)}
        />
      </div>
      {isForm && problem && <p className="text-xs text-bad">{problem}</p>}
      {isForm && isEmpty && <p className="text-sm text-muted">The tool has no parameters.</p>}
      {isForm && <ValueFields schema={schema} values={given.object} path="" onChange={(next) => onChange(pretty(next))} />}
      {!isForm && (
        <JsonEditor label="Arguments as JSON" minLines={4} value={text} problem={given.problem?.message ?? problem} onChange={onChange} />
      )}
    </div>
  );
}

interface ObjectProps {
  schema: JsonObject;
  values: JsonObject;
  /** The names that lead to the object, for the labels of its fields. */
  path: string;
  onChange(values: JsonObject): void;
}

function ValueFields({ schema, values, path, onChange }: ObjectProps) {
  const required = Schema.requiredOf(schema);
  return Schema.propertiesOf(schema).map(([name, property]) => (
    <ValueField
      key={name}
      label={path ? `${path}.${name}` : name}
      schema={isObject(property) ? property : {}}
      value={values[name]}
      isRequired={required.includes(name)}
      onChange={(value) => onChange(Schema.withKeyword(values, name, value))}
    />
  ));
}

interface FieldProps {
  label: string;
  schema: JsonObject;
  value: unknown;
  isRequired: boolean;
  onChange(value: unknown): void;
}

function ValueField({ label, schema, value, isRequired, onChange }: FieldProps) {
  const type = Schema.typeOf(schema);
  const common = { label: isRequired ? `${label} (required)` : label, hint: Schema.textAt(schema, "description") || undefined };
  const byDefault = Schema.shownValue(schema.default);
  const options = type === "boolean" ? [true, false] : Array.isArray(schema.enum) ? schema.enum : null;
  if (type === "object" && Schema.propertiesOf(schema).length) {
    return (
      <fieldset className="grid gap-3 border-l-2 border-line-strong/50 pl-3">
        <legend className="mb-2 text-sm font-medium">{label}</legend>
        <ValueFields
          schema={schema}
          values={isObject(value) ? value : {}}
          path={label}
          onChange={(next) => onChange(Object.keys(next).length ? next : undefined)}
        />
      </fieldset>
    );
  }
  if (options) {
    const chosen = options.findIndex((each) => JSON.stringify(each) === JSON.stringify(value));
    return (
      <Choice {...common} value={chosen} onChange={({ target }) => onChange(options[Number(target.value)])}>
        <option value={-1}>{byDefault ? `Default: ${byDefault}` : "Not given"}</option>
        {options.map((each, index) => (
          <option key={index} value={index}>
            {Schema.shownValue(each)}
          </option>
        ))}
      </Choice>
    );
  }
  if (type === "string" || type === "integer" || type === "number") {
    return <ScalarField {...common} type={type} placeholder={byDefault && `Default: ${byDefault}`} value={value} onChange={onChange} />;
  }
  return <JsonValue {...common} value={value} onChange={onChange} />;
}

interface JsonProps {
  label: string;
  hint: string | undefined;
  /** Undefined for an empty field, and for a text that is not JSON, which no test can be run with. */
  value: unknown;
  onChange(value: unknown): void;
}

function JsonValue({ value, onChange, ...field }: JsonProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState("");
  // The text keeps its layout as long as it means the value.
  const shown = isSame(parseJson(text).value, value) ? text : value === undefined ? "" : pretty(value);
  const problem = shown.trim() ? parseJson(shown).problem?.message : undefined;
  useEffect(() => area.current?.setCustomValidity(problem ?? ""), [problem]);
  return (
    <TextArea
      {...field}
      ref={area}
      rows={2}
      spellCheck={false}
      className="font-mono text-[13px]"
      value={shown}
      problem={problem}
      onChange={({ target }) => {
        setText(target.value);
        onChange(parseJson(target.value).value);
      }}
    />
  );
}
