"use client";

import { useCallback, useEffect, useRef } from "react";

const INTERVAL_MS = 400;

/** Calls `run` once for all calls of an interval, such as those for the events of an import. */
export function useThrottled(run: () => void): () => void {
  const current = useRef(run);
  current.current = run;
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(
    () => () => {
      if (timer.current) clearTimeout(timer.current);
      timer.current = null;
    },
    [],
  );
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      current.current();
    }, INTERVAL_MS);
  }, []);
}
