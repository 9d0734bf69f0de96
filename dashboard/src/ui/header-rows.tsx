"use client";

import { Field } from "./field";
import { Rows } from "./rows";

export interface HeaderRow {
  readonly name: string;
  readonly value: string;
}

/** The rows of an object of headers. */
export const headerRows = (headers: unknown): readonly HeaderRow[] =>
  typeof headers === "object" && headers !== null ? Object.entries(headers).map(([name, value]) => ({ name, value: String(value) })) : [];

export const headersOf = (rows: readonly HeaderRow[]): Record<string, string> =>
  Object.fromEntries(rows.filter(({ name, value }) => name || value).map(({ name, value }) => [name.trim(), value.trim()]));

interface Props {
  rows: readonly HeaderRow[];
  problem?: string | undefined;
  isSecret?: boolean;
  onChange(rows: readonly HeaderRow[]): void;
}

export function HeaderRows({ rows, problem, isSecret = false, onChange }: Props) {
  return (
    <Rows what="header" isCompact rows={rows} problem={problem} onChange={onChange} create={() => ({ name: "", value: "" })}>
      {({ name, value }, index, change) => (
        <div className="grid gap-2 sm:grid-cols-2">
          <Field label={`Header ${index + 1}`} placeholder="x-team" spellCheck={false} value={name} onChange={({ target }) => change({ name: target.value })} />
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
