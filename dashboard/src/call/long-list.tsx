"use client";

import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { Button } from "@/ui/button";

/** Nearer to the end than this, the reader is at the end. */
const NEAR_PX = 60;

interface Options {
  count: number;
  keyOf(index: number): string;
  /** The height of a row before it is drawn. */
  rowPx: number;
  /** Whether the list follows its end, until the reader scrolls up. */
  isLive: boolean;
  /** A row that stays in the document, for instance because it has the focus. */
  kept?: number | undefined;
  /** Space before the first row and after the last one. */
  paddingPx?: number;
}

/** A list of which only the rows in sight are in the document: a call may have 20,000 events. */
export function useLongList({ count, keyOf, rowPx, isLive, kept = -1, paddingPx = 0 }: Options) {
  const box = useRef<HTMLDivElement>(null);
  // A list that has followed its end also shows the last row, with which the call is no longer live.
  const [follows] = useState(isLive);
  const rangeExtractor = useCallback(
    (range: Range) => {
      const rows = defaultRangeExtractor(range);
      return kept < 0 || kept >= count || rows.includes(kept) ? rows : [...rows, kept].sort((a, b) => a - b);
    },
    [kept, count],
  );
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    getItemKey: keyOf,
    overscan: 8,
    paddingStart: paddingPx,
    paddingEnd: paddingPx,
    rangeExtractor,
    ...(follows ? { anchorTo: "end", followOnAppend: true, scrollEndThreshold: NEAR_PX } : {}),
  });
  // The page of a live call opens at its end.
  const first = useRef(follows);
  useLayoutEffect(() => {
    if (!first.current || !count) return;
    first.current = false;
    virtual.scrollToEnd();
  }, [count, virtual]);
  return { box, virtual };
}

interface Props extends Omit<Options, "kept" | "paddingPx"> {
  label: string;
  className: string;
  /** The row that is brought into sight when it changes. */
  shown?: number | undefined;
  /** The row with a frame. */
  marked?: number;
  children(index: number): ReactNode;
}

const PADDING_PX = 12;

/** A long list whose rows have any height. Rows keep their place for screen readers, and stay while they have the focus. */
export function LongList({ label, className, shown = -1, marked = -1, children, ...options }: Props) {
  const [focused, setFocused] = useState(-1);
  const { box, virtual } = useLongList({ ...options, kept: focused, paddingPx: PADDING_PX });
  useEffect(() => {
    if (shown >= 0) virtual.scrollToIndex(shown);
  }, [shown, virtual]);
  return (
    <div className="relative">
      <div ref={box} tabIndex={0} role="region" aria-label={label} className={`overflow-y-auto ${className}`}>
        <ol className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, key, start }) => (
            <li
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              aria-setsize={options.count}
              aria-posinset={index + 1}
              className={`absolute inset-x-0 top-0 pb-3 ${index === marked ? "rounded-md outline-2 -outline-offset-2 outline-accent" : ""}`}
              style={{ transform: `translateY(${start}px)` }}
              onFocus={() => setFocused(index)}
              onBlur={() => setFocused(-1)}
            >
              {children(index)}
            </li>
          ))}
        </ol>
      </div>
      {options.isLive && !virtual.isAtEnd(NEAR_PX) && (
        <Button icon="down" className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-large" onClick={() => virtual.scrollToEnd()}>
          Newest
        </Button>
      )}
    </div>
  );
}

/** Which rows are open: a row that leaves the document would forget it. */
export function useOpened() {
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string, isOpen: boolean) => {
    if (opened.has(key) !== isOpen) setOpened(new Set(isOpen ? [...opened, key] : [...opened].filter((each) => each !== key)));
  };
  return [opened, toggle] as const;
}
