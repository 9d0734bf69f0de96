"use client";

// Fields of values that are not texts. What is typed stays as it is until it means another value.

import { useState, type ReactNode } from "react";
import { secondsOf } from "@/data/format";
import { Field } from "@/ui/field";

interface Common<Value> {
  label: string;
  value: Value;
  onChange(value: Value): void;
  disabled: boolean;
  hint?: ReactNode;
  problem?: string | undefined;
}

interface Typed<Value> extends Common<Value> {
  read(text: string): Value | null;
  write(value: Value): string;
  refusal: string;
  inputMode?: "numeric" | "decimal";
}

function TypedField<Value>({ value, onChange, read, write, refusal, problem, ...field }: Typed<Value>) {
  const written = write(value);
  const [typed, setTyped] = useState(written);
  const [known, setKnown] = useState(written);
  const meant = read(typed);
  if (known !== written) setKnown(written);
  // Another value came from outside, for instance by undo. It also replaces what has no value.
  if (meant === null ? known !== written : write(meant) !== written) setTyped(written);
  return (
    <Field
      {...field}
      value={typed}
      autoCapitalize="none"
      spellCheck={false}
      problem={meant === null ? refusal : problem}
      onBlur={() => meant !== null && setTyped(write(meant))}
      onChange={({ target }) => {
        setTyped(target.value);
        const next = read(target.value);
        if (next !== null) onChange(next);
      }}
    />
  );
}

interface Range {
  min: number;
  max: number;
}

export function NumberField({ min, max, ...field }: Common<number> & Range) {
  const read = (text: string) => {
    const number = Number(text);
    return /^-?\d+$/.test(text.trim()) && number >= min && number <= max ? number : null;
  };
  return <TypedField {...field} read={read} write={String} refusal={`Enter a whole number from ${min} to ${max}.`} inputMode="numeric" />;
}

/** A duration of the API, such as `PT2.5S`, in seconds. Empty where `isOptional` says so. */
export function SecondsField({ min, max, isOptional = false, ...field }: Common<string> & Range & { isOptional?: boolean }) {
  const read = (text: string) => {
    if (!text.trim()) return isOptional ? "" : null;
    const number = Number(text);
    return number >= min && number <= max ? `PT${number}S` : null;
  };
  const write = (duration: string) => (duration ? String(secondsOf(duration)) : "");
  return (
    <TypedField {...field} read={read} write={write} refusal={`Enter a number of seconds from ${min} to ${max}.`} inputMode="decimal" />
  );
}

const KEYS = /^[a-z][a-z0-9_]*$/;

/** Keys of the context, separated by commas. */
export function KeysField(field: Common<readonly string[]>) {
  const read = (text: string) => {
    const keys = text.split(/[,\s]+/).filter(Boolean);
    return keys.every((key) => KEYS.test(key)) ? keys : null;
  };
  return (
    <TypedField {...field} read={read} write={(keys) => keys.join(", ")} refusal="Keys have lower-case letters, digits and underscores." />
  );
}
