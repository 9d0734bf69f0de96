"use client";

import { useRef, useState, type ReactNode } from "react";
import { Button } from "@/ui/button";

interface Props<Item> {
  /** What the list has, for assistive technology. */
  label: string;
  items: readonly Item[];
  /** What an item is called on its buttons. */
  nameOf(item: Item, index: number): string;
  onChange(items: readonly Item[]): void;
  render(item: Item, change: (item: Item) => void, index: number): ReactNode;
  newItem(): Item;
  addLabel: string;
  max: number;
  isSortable?: boolean;
  isDisabled: boolean;
}

/** A list of small forms: items are added at its end, removed, and moved if their order matters. */
export function Rows<Item>({ label, items, nameOf, onChange, render, newItem, addLabel, max, isSortable = false, isDisabled }: Props<Item>) {
  const list = useRef<HTMLOListElement>(null);
  const add = useRef<HTMLButtonElement>(null);
  const [said, say] = useState("");
  // Behind the rendering, when the buttons and fields belong to the new order.
  const focus = (find: () => HTMLElement | null | undefined) => requestAnimationFrame(() => find()?.focus());
  const rowAt = (index: number) => list.current?.children[index];
  const move = (from: number, to: number) => {
    const next = items.filter((_, index) => index !== from);
    const moved = items[from];
    if (!moved || to < 0 || to >= items.length) return;
    onChange(next.toSpliced(to, 0, moved));
    say(`${nameOf(moved, from)} is now number ${to + 1} of ${items.length}.`);
    const wanted = to < from ? "up" : "down";
    const isEnd = to === 0 || to === items.length - 1;
    focus(() => rowAt(to)?.querySelector<HTMLElement>(`[data-move=${isEnd ? (to === 0 ? "down" : "up") : wanted}]`));
  };
  const remove = (index: number) => {
    const removed = items[index];
    onChange(items.filter((_, each) => each !== index));
    if (removed) say(`${nameOf(removed, index)} was removed.`);
    focus(() => rowAt(Math.min(index, items.length - 2))?.querySelector<HTMLElement>("[data-remove]") ?? add.current);
  };
  const isFull = items.length >= max;
  return (
    <div className="grid gap-3">
      {items.length > 0 && (
        <ol ref={list} aria-label={label} className="grid gap-3">
          {items.map((item, index) => {
            const name = nameOf(item, index);
            return (
              <li key={index} className="rounded-lg border p-3.5">
                <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
                  <div className="min-w-0 grow basis-64">{render(item, (next) => onChange(items.with(index, next)), index)}</div>
                  {!isDisabled && (
                    <div className="ml-auto flex gap-1">
                      {isSortable && items.length > 1 && (
                        <>
                          <Button
                            kind="ghost"
                            icon="up"
                            data-move="up"
                            aria-label={`Move ${name} up`}
                            disabled={index === 0}
                            onClick={() => move(index, index - 1)}
                          />
                          <Button
                            kind="ghost"
                            icon="down"
                            data-move="down"
                            aria-label={`Move ${name} down`}
                            disabled={index === items.length - 1}
                            onClick={() => move(index, index + 1)}
                          />
                        </>
                      )}
                      <Button kind="ghost" icon="close" data-remove aria-label={`Remove ${name}`} onClick={() => remove(index)} />
                    </div>
                  )}
                </div>
              </li>
            );
          })}
        </ol>
      )}
      {!isDisabled && (
        <div className="flex flex-wrap items-center gap-3">
          <Button
            ref={add}
            icon="plus"
            disabled={isFull}
            onClick={() => {
              onChange([...items, newItem()]);
              focus(() => rowAt(items.length)?.querySelector<HTMLElement>("input, select, [contenteditable]"));
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
