"use client";

import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useLayoutEffect, useRef } from "react";

/** Nearer to the end than this, the reader is at the end. */
export const NEAR_PX = 60;

interface Options {
  count: number;
  keyOf(index: number): string;
  /** The height of a row before it is drawn. */
  rowPx: number;
  /** Whether the list follows its end, until the reader scrolls up. */
  isLive: boolean;
  /** A row that stays in the document, for instance because it has the focus. */
  kept?: number | undefined;
}

/** A list of which only the rows in sight are in the document: a call may have 20,000 events. */
export function useLongList({ count, keyOf, rowPx, isLive, kept = -1 }: Options) {
  const box = useRef<HTMLDivElement>(null);
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
    rangeExtractor,
    ...(isLive ? { anchorTo: "end", followOnAppend: true, scrollEndThreshold: NEAR_PX } : {}),
  });
  // The page of a live call opens at its end.
  const first = useRef(isLive);
  useLayoutEffect(() => {
    if (!first.current || !count) return;
    first.current = false;
    virtual.scrollToEnd();
  }, [count, virtual]);
  return { box, virtual };
}
