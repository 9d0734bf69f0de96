"use client";

import { InvalidField } from "@/data/use-form";
import { Field } from "./field";
import { Rows } from "./rows";

export interface HeaderRow {
  readonly name: string;
  readonly value: string;
}

/** The rows of an object of headers. */
export const headerRows = (headers: unknown): readonly HeaderRow[] =>
  typeof headers === "object" && headers !== null ? Object.entries(headers).map(([name, value]) => ({ name, value: String(value) })) : [];

/** Names of headers are the same in upper and lower case. */
const isListedBefore = (rows: readonly HeaderRow[], index: number) => {
  const nameAt = (at: number) => rows[at]?.name.trim().toLowerCase();
  return nameAt(index) !== "" && rows.some((_, at) => at < index && nameAt(at) === nameAt(index));
};

/** The object of the rows, for the input value `field`. */
export function headersOf(field: string, rows: readonly HeaderRow[]): Record<string, string> {
  const filled = rows.filter(({ name, value }) => name.trim() || value);
  if (filled.some(({ name }) => !name.trim())) throw new InvalidField(field, "A header has no name.");
  const twice = filled.find((_, index) => isListedBefore(filled, index));
  if (twice) throw new InvalidField(field, `The header ${twice.name.trim()} is listed twice.`);
  return Object.fromEntries(filled.map(({ name, value }) => [name.trim(), value.trim()]));
}

interface Props {
  rows: readonly HeaderRow[];
  problem?: string | undefined;
  isSecret?: boolean;
  onChange(rows: readonly HeaderRow[]): void;
}

export function HeaderRows({ rows, problem, isSecret = false, onChange }: Props) {
  // The second of two has its own problem.
  const isTwice = rows.some((_, index) => isListedBefore(rows, index));
  return (
    <Rows
      what="header"
      isCompact
      rows={rows}
      problem={isTwice ? undefined : problem}
      onChange={onChange}
      create={() => ({ name: "", value: "" })}
    >
      {({ name, value }, index, change) => (
        <div className="grid gap-2 sm:grid-cols-2">
          <Field
            label={`Header ${index + 1}`}
            placeholder="x-team"
            spellCheck={false}
            value={name}
            problem={isListedBefore(rows, index) ? "This header is listed above already." : undefined}
            onChange={({ target }) => change({ name: target.value })}
          />
          <Field
            label={`Value ${index + 1}`}
            type={isSecret ? "password" : "text"}
            autoComplete="off"
            spellCheck={false}
            value={value}
            onChange={({ target }) => change({ value: target.value })}
          />
        </div>
      )}
    </Rows>
  );
}
