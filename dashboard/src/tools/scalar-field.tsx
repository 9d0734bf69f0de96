"use client";

import { Field } from "@/ui/field";
import { NumberField } from "@/ui/number-field";
import { shownValue } from "./schema";

interface Props {
  label: string;
  hint?: string | undefined;
  placeholder?: string;
  disabled?: boolean;
  type: "string" | "integer" | "number";
  value: unknown;
  /** Undefined for none. */
  onChange(value: string | number | undefined): void;
}

/** A text or a number of a JSON Schema. */
export function ScalarField({ type, value, onChange, ...field }: Props) {
  return type === "string" ? (
    <Field {...field} value={shownValue(value)} onChange={({ target }) => onChange(target.value || undefined)} />
  ) : (
    <NumberField {...field} isWhole={type === "integer"} value={typeof value === "number" ? value : undefined} onChange={onChange} />
  );
}
