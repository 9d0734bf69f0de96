"use client";

import { useRef, useState, type ReactNode } from "react";
import { useAfterRender } from "@/data/use-after-render";
import { Button } from "./button";

interface Props<Row> {
  /** What one row is, for instance `endpoint`. */
  what: string;
  /** What the list has, for assistive technology. */
  label?: string;
  /** What a row is called on its buttons. */
  nameOf?(row: Row, index: number): string;
  addLabel?: string;
  rows: readonly Row[];
  problem?: string | undefined;
  /** What is shown instead of no rows. */
  none?: ReactNode;
  isCompact?: boolean;
  isSortable?: boolean;
  isDisabled?: boolean;
  max?: number;
  onChange(rows: readonly Row[]): void;
  create(): Row;
  children(row: Row, index: number, change: (changes: Partial<Row>) => void): ReactNode;
}

/** A list of values with several fields each: rows are added at its end, removed, and moved if their order matters. */
export function Rows<Row>({
  what,
  label,
  nameOf = (_, index) => `${what} ${index + 1}`,
  addLabel = `Add ${/^[aeiou]/i.test(what) ? "an" : "a"} ${what}`,
  rows,
  problem,
  none,
  isCompact = false,
  isSortable = false,
  isDisabled = false,
  max = Infinity,
  onChange,
  create,
  children,
}: Props<Row>) {
  const list = useRef<HTMLOListElement>(null);
  const add = useRef<HTMLButtonElement>(null);
  const [said, say] = useState("");
  const afterRender = useAfterRender();
  const isFull = rows.length >= max;

  /** Focuses a part of a row once the rows have their new order. */
  const focus = (index: number, part: string) =>
    afterRender(() => (list.current?.children[index]?.querySelector<HTMLElement>(part) ?? add.current)?.focus());
  const move = (row: Row, from: number, to: number) => {
    onChange(rows.toSpliced(from, 1).toSpliced(to, 0, row));
    say(`${nameOf(row, from)} is now number ${to + 1} of ${rows.length}.`);
    // At an end, only the button of the other direction remains.
    const isUp = to === 0 ? false : to === rows.length - 1 || to < from;
    focus(to, `[data-move=${isUp ? "up" : "down"}]`);
  };
  const remove = (row: Row, index: number) => {
    onChange(rows.toSpliced(index, 1));
    say(`${nameOf(row, index)} was removed.`);
    focus(Math.min(index, rows.length - 2), "[data-remove]");
  };
  return (
    <div className="grid gap-3">
      {rows.length === 0 && none && <p className="text-sm text-muted">{none}</p>}
      {rows.length > 0 && (
        <ol ref={list} aria-label={label} className="grid gap-3">
          {rows.map((row, index) => (
            <li
              key={index}
              className={`flex items-start gap-x-3 gap-y-2 ${isSortable ? "flex-wrap" : ""} ${isCompact ? "" : "rounded-lg border p-4"}`}
            >
              <div className={`min-w-0 grow ${isSortable ? "basis-64" : ""}`}>
                {children(row, index, (changes) => onChange(rows.with(index, { ...row, ...changes })))}
              </div>
              {!isDisabled && (
                <div className={`ml-auto flex gap-1 ${isCompact ? "mt-7" : "-mt-1 -mr-1"}`}>
                  {isSortable &&
                    rows.length > 1 &&
                    ([["up", index - 1] as const, ["down", index + 1] as const]).map(([way, to]) => (
                      <Button
                        key={way}
                        kind="ghost"
                        icon={way}
                        data-move={way}
                        aria-label={`Move ${nameOf(row, index)} ${way}`}
                        disabled={to < 0 || to >= rows.length}
                        onClick={() => move(row, index, to)}
                      />
                    ))}
                  <Button
                    kind="ghost"
                    icon="close"
                    data-remove
                    aria-label={`Remove ${nameOf(row, index)}`}
                    onClick={() => remove(row, index)}
                  />
                </div>
              )}
            </li>
          ))}
        </ol>
      )}
      {problem && <p className="text-xs text-bad">{problem}</p>}
      {!isDisabled && (
        <div className="flex flex-wrap items-center gap-3">
          <Button
            ref={add}
            icon="plus"
            disabled={isFull}
            onClick={() => {
              onChange([...rows, create()]);
              focus(rows.length, "input, select, textarea");
            }}
          >
            {addLabel}
          </Button>
          {isFull && <span className="text-xs text-muted">At most {max} are allowed.</span>}
        </div>
      )}
      <p role="status" className="sr-only">
        {said}
      </p>
    </div>
  );
}
