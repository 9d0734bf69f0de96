"use client";

import { useEffect, useRef, useState, type ReactNode } from "react";
import { Button } from "./button";

interface Props<Row> {
  /** What one row is, for instance `endpoint`. */
  what: string;
  rows: readonly Row[];
  problem?: string | undefined;
  /** What is shown instead of no rows. */
  none?: ReactNode;
  isCompact?: boolean;
  max?: number;
  onChange(rows: readonly Row[]): void;
  create(): Row;
  children(row: Row, index: number, change: (changes: Partial<Row>) => void): ReactNode;
}

/** A list of values with several fields each, which can be extended and shortened. */
export function Rows<Row>({ what, rows, problem, none, isCompact = false, max = Infinity, onChange, create, children }: Props<Row>) {
  const list = useRef<HTMLUListElement>(null);
  const add = useRef<HTMLDivElement>(null);
  const [focus, setFocus] = useState<"last" | "add" | null>(null);
  useEffect(() => {
    if (focus === "last") list.current?.querySelector<HTMLElement>(":scope > li:last-child :is(input, select, textarea)")?.focus();
    if (focus === "add") add.current?.querySelector("button")?.focus();
    setFocus(null);
  }, [focus]);
  return (
    <div className="grid gap-3">
      {rows.length === 0 && none && <p className="text-sm text-muted">{none}</p>}
      {rows.length > 0 && (
        <ul ref={list} className="grid gap-3">
          {rows.map((row, index) => (
            <li key={index} className={`flex items-start gap-2 ${isCompact ? "" : "rounded-lg border p-4"}`}>
              <div className="min-w-0 grow">
                {children(row, index, (changes) => onChange(rows.map((each, at) => (at === index ? { ...each, ...changes } : each))))}
              </div>
              <Button
                kind="ghost"
                icon="close"
                aria-label={`Remove ${what} ${index + 1}`}
                className={isCompact ? "mt-7" : "-mt-1 -mr-1"}
                onClick={() => {
                  onChange(rows.filter((_, at) => at !== index));
                  setFocus("add");
                }}
              />
            </li>
          ))}
        </ul>
      )}
      {problem && <p className="text-xs text-bad">{problem}</p>}
      <div ref={add}>
        <Button
          icon="plus"
          disabled={rows.length >= max}
          onClick={() => {
            onChange([...rows, create()]);
            setFocus("last");
          }}
        >
          Add {/^[aeiou]/i.test(what) ? "an" : "a"} {what}
        </Button>
      </div>
    </div>
  );
}
