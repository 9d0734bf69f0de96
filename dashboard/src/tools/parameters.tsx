"use client";

import { useEffect, useRef, useState } from "react";
import { isObject, type JsonObject } from "@/data/json";
import { findProblem } from "@/data/refusal";
import { useAfterRender } from "@/data/use-after-render";
import { Button } from "@/ui/button";
import { Check } from "@/ui/check";
import { Choice, Field, TextArea } from "@/ui/field";
import { JsonEditor } from "./editors";
import { useToolForm } from "./form-context";
import { parsedObject, pretty } from "./json";
import { ScalarField } from "./scalar-field";
import * as Schema from "./schema";
import { Switch } from "./step-fields";

interface Props {
  /** The JSON Schema as text. */
  text: string;
  onChange(text: string): void;
}

/** The parameters as a form and as JSON Schema: two views of one text. */
export function Parameters({ text, onChange }: Props) {
  const { problems, isReadOnly } = useToolForm();
  const [view, setView] = useState<"form" | "json">("form");
  const schema = parsedObject(text);
  const problem = findProblem(problems, "parameters");
  const where = problem?.inside ? `${problem.inside.replaceAll(".", " › ")}: ` : "";
  const message = problem && `${where}${problem.message}`;
  const isForm = view === "form" && !schema.problem;
  return (
    <div className="grid gap-4">
      <div className="flex flex-wrap items-center gap-3">
        <Switch
          label="View of the parameters"
          value={isForm ? "form" : "json"}
          options={[
            ["form", "Form"],
            ["json", "JSON Schema"],
          ]}
          isDisabled={schema.problem !== null}
          onChange={(chosen) => setView(chosen)}
        />
        {schema.problem && <p className="text-xs text-muted">The form returns when the text is valid.</p>}
      </div>
      {isForm ? (
        <>
          {message && (
            <p data-problem tabIndex={-1} className="text-xs text-bad">
              {message}
            </p>
          )}
          <ObjectFields label="Parameters" schema={schema.object} depth={0} onChange={(next) => onChange(pretty(next))} />
        </>
      ) : (
        <JsonEditor
          label="JSON Schema"
          minLines={8}
          value={text}
          readOnly={isReadOnly}
          problem={schema.problem?.message ?? message}
          onChange={onChange}
        />
      )}
    </div>
  );
}

interface ObjectProps {
  label: string;
  schema: JsonObject;
  depth: number;
  onChange(schema: JsonObject): void;
}

const MAX_DEPTH = 8;

function ObjectFields({ label, schema, depth, onChange }: ObjectProps) {
  const { isReadOnly } = useToolForm();
  const properties = Schema.propertiesOf(schema);
  const names = properties.map(([name]) => name);
  const required = Schema.requiredOf(schema);
  const list = useRef<HTMLUListElement>(null);
  const afterRender = useAfterRender();
  const add = () => {
    onChange(Schema.withNewProperty(schema));
    afterRender(() => list.current?.querySelector<HTMLInputElement>(":scope > li:last-child input[data-parameter]")?.select());
  };
  const hidden = Schema.hiddenKeywords(schema);
  return (
    <div className="grid min-w-0 gap-3">
      {hidden.length > 0 && <Hidden keywords={hidden} />}
      {properties.length === 0 && (
        <p className="text-sm text-muted">{depth ? "It has no properties yet." : "The model gives no arguments."}</p>
      )}
      <ul ref={list} aria-label={label} className="grid gap-3">
        {properties.map(([name, property], index) => (
          // A name is edited in place, so the key of a row is its position.
          <li key={index} className="min-w-0 rounded-lg border p-3.5">
            <Parameter
              name={name}
              schema={property}
              taken={names.filter((each) => each !== name)}
              isRequired={required.includes(name)}
              depth={depth}
              onChange={(changes) => onChange(Schema.withProperty(schema, name, changes))}
              onRemove={() => onChange(Schema.withoutProperty(schema, name))}
            />
          </li>
        ))}
      </ul>
      {!isReadOnly && (
        <Button icon="plus" className="w-fit" aria-label={depth ? `Add a property to ${label}` : undefined} onClick={add}>
          {depth ? "Add a property" : "Add a parameter"}
        </Button>
      )}
    </div>
  );
}

const Hidden = ({ keywords }: { keywords: readonly string[] }) => (
  <p className="text-xs text-muted">
    The form keeps, and does not show: <span className="font-mono">{keywords.join(", ")}</span>. Edit them as JSON Schema.
  </p>
);

interface ParameterProps {
  name: string;
  schema: unknown;
  taken: readonly string[];
  isRequired: boolean;
  depth: number;
  onChange(changes: { name?: string; schema?: unknown; isRequired?: boolean }): void;
  onRemove(): void;
}

function Parameter({ name, schema, taken, isRequired, depth, onChange, onRemove }: ParameterProps) {
  const { isReadOnly } = useToolForm();
  const type = Schema.typeOf(schema);
  const object = isObject(schema) ? schema : {};
  const set = (keyword: string, value: unknown) => onChange({ schema: Schema.withKeyword(object, keyword, value) });
  const hidden = type ? Schema.hiddenKeywords(object) : [];
  return (
    <div className="grid min-w-0 gap-3">
      <div className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto]">
        <NameField name={name} taken={taken} onChange={(next) => onChange({ name: next })} />
        <div className="col-span-2 row-start-2 sm:col-span-1 sm:row-start-auto">
          {type ? (
            <TypeField
              label="Type"
              type={type}
              onChange={(next) => onChange({ schema: Schema.withType(object, next) })}
              isDeep={depth >= MAX_DEPTH}
            />
          ) : (
            <Field label="Type" value="Only as JSON Schema" readOnly disabled />
          )}
        </div>
        <div className="pt-7">
          <Button kind="ghost" icon="close" aria-label={`Remove ${name}`} disabled={isReadOnly} onClick={onRemove} />
        </div>
      </div>
      {type && (
        <Field
          label="Description"
          hint="The model reads it."
          value={Schema.textAt(object, "description")}
          disabled={isReadOnly}
          onChange={({ target }) => set("description", target.value || undefined)}
        />
      )}
      <Check
        label="Required"
        checked={isRequired}
        disabled={isReadOnly}
        onChange={({ target }) => onChange({ isRequired: target.checked })}
      />
      {type && <Inside name={name} type={type} schema={object} depth={depth} onChange={(next) => onChange({ schema: next })} />}
      {!type && <Hidden keywords={isObject(schema) ? Object.keys(schema) : [JSON.stringify(schema)]} />}
      {hidden.length > 0 && <Hidden keywords={hidden} />}
    </div>
  );
}

interface NameProps {
  name: string;
  taken: readonly string[];
  onChange(name: string): void;
}

/** A name that is empty or taken is not in the schema. The form cannot be sent with it. */
function NameField({ name, taken, onChange }: NameProps) {
  const { isReadOnly } = useToolForm();
  // What was typed belongs to the name that the schema had then: rows move up when one is removed.
  const [typed, setTyped] = useState({ for: name, text: name });
  const input = useRef<HTMLInputElement>(null);
  const shown = typed.for === name ? typed.text : name;
  const problemOf = (text: string) =>
    text === "" ? "A parameter needs a name." : taken.includes(text) ? "Another parameter has this name." : undefined;
  const problem = problemOf(shown);
  useEffect(() => input.current?.setCustomValidity(problem ?? ""), [problem]);
  return (
    <Field
      ref={input}
      data-parameter
      label="Name"
      value={shown}
      problem={problem}
      disabled={isReadOnly}
      autoCapitalize="none"
      autoComplete="off"
      spellCheck={false}
      className="font-mono text-[13px]"
      onChange={({ target: { value } }) => {
        const isValid = problemOf(value) === undefined;
        setTyped({ for: isValid ? value : name, text: value });
        if (isValid) onChange(value);
      }}
    />
  );
}

interface TypeProps {
  label: string;
  type: Schema.ParameterType;
  isDeep: boolean;
  onChange(type: Schema.ParameterType): void;
}

function TypeField({ label, type, isDeep, onChange }: TypeProps) {
  const { isReadOnly } = useToolForm();
  const isSimple = (each: Schema.ParameterType) => each !== "object" && each !== "array";
  return (
    <Choice
      label={label}
      value={type}
      disabled={isReadOnly}
      onChange={({ target }) => {
        const next = Schema.TYPES.find((each) => each === target.value);
        if (next) onChange(next);
      }}
    >
      {Schema.TYPES.filter((each) => !isDeep || each === type || isSimple(each)).map((each) => (
        <option key={each} value={each}>
          {Schema.TYPE_NAMES[each]}
        </option>
      ))}
    </Choice>
  );
}

interface InsideProps {
  name: string;
  type: Schema.ParameterType;
  schema: JsonObject;
  depth: number;
  /** An item of a list has no default. */
  isItem?: boolean;
  onChange(schema: JsonObject): void;
}

/** What belongs to the type: values of a text or a number, the items of a list, the properties of an object. */
function Inside({ name, type, schema, depth, isItem = false, onChange }: InsideProps) {
  const { isReadOnly } = useToolForm();
  if (type === "object") {
    return (
      <div className="border-l-2 border-line-strong/50 pl-3">
        <ObjectFields label={`properties of ${name}`} schema={schema} depth={depth + 1} onChange={onChange} />
      </div>
    );
  }
  if (type === "array") return <Items name={name} schema={schema} depth={depth} onChange={onChange} />;
  const set = (keyword: string, value: unknown) => onChange(Schema.withKeyword(schema, keyword, value));
  if (type === "boolean") {
    return isItem ? null : (
      <Choice
        label="Default"
        value={Schema.shownValue(schema.default)}
        disabled={isReadOnly}
        onChange={({ target }) => set("default", target.value ? target.value === "true" : undefined)}
      >
        <option value="">None</option>
        <option value="true">Yes</option>
        <option value="false">No</option>
      </Choice>
    );
  }
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <Values
        type={type}
        values={Array.isArray(schema.enum) ? schema.enum : []}
        onChange={(values) => set("enum", values.length ? values : undefined)}
      />
      {!isItem && (
        <ScalarField
          label="Default"
          hint="What is used if the model gives none."
          type={type}
          value={schema.default}
          disabled={isReadOnly}
          onChange={(value) => set("default", value)}
        />
      )}
    </div>
  );
}

interface ValuesProps {
  type: Schema.ParameterType;
  values: readonly unknown[];
  onChange(values: readonly unknown[]): void;
}

function Values({ type, values, onChange }: ValuesProps) {
  const { isReadOnly } = useToolForm();
  const read = (text: string) =>
    text
      .split("\n")
      .filter(Boolean)
      .map((line) => Schema.typedValue(type, line));
  const [typed, setTyped] = useState("");
  // What was typed may have empty lines, which are no values.
  const isTyped = JSON.stringify(read(typed)) === JSON.stringify(values);
  return (
    <TextArea
      label="Allowed values"
      hint="One in a line. Empty: any."
      rows={2}
      value={isTyped ? typed : values.map(Schema.shownValue).join("\n")}
      disabled={isReadOnly}
      spellCheck={false}
      onChange={({ target }) => {
        setTyped(target.value);
        onChange(read(target.value));
      }}
    />
  );
}

function Items({ name, schema, depth, onChange }: Omit<InsideProps, "type" | "isItem">) {
  const items = isObject(schema.items) ? schema.items : {};
  const type = Schema.typeOf(schema.items);
  const set = (next: JsonObject) => onChange({ ...schema, items: next });
  if (!type && schema.items !== undefined) return <Hidden keywords={["items"]} />;
  return (
    <div className="grid gap-3 border-l-2 border-line-strong/50 pl-3">
      <TypeField
        label={`Type of the items of ${name}`}
        type={type ?? "string"}
        isDeep={depth + 1 >= MAX_DEPTH}
        onChange={(next) => set(Schema.withType(items, next))}
      />
      {type && <Inside isItem name={`an item of ${name}`} type={type} schema={items} depth={depth + 1} onChange={set} />}
      {Schema.hiddenKeywords(items).length > 0 && <Hidden keywords={Schema.hiddenKeywords(items)} />}
    </div>
  );
}
