"use client";

import { useState, type ReactNode } from "react";
import { InvalidField, isSame } from "@/data/use-form";
import { TextArea } from "./field";

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface Props {
  label: string;
  hint?: ReactNode;
  problem?: string | undefined;
  rows?: number;
  /** A JSON value, or the text that was typed if that is none. */
  value: unknown;
  onChange(value: unknown): void;
}

export function JsonField({ value, onChange, rows = 6, ...more }: Props) {
  const [text, setText] = useState("");
  // The text keeps its layout as long as it means the value, which may also be changed from elsewhere.
  const shown = isSame(parsed(text), value) ? text : typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <TextArea
      {...more}
      rows={rows}
      spellCheck={false}
      className="font-mono text-[13px]"
      value={shown}
      onChange={(event) => {
        setText(event.target.value);
        onChange(parsed(event.target.value));
      }}
    />
  );
}

/** The value of such a field, for an input that has to be an object. */
export function objectOf(field: string, value: unknown): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw new InvalidField(field, "This is not a JSON object, such as {\"desk\": \"north\"}.");
}
