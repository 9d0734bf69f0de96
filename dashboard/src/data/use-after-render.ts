"use client";

import { useEffect, useRef } from "react";

/** Does something after the next rendering of the component, for instance with an element that only its new state has. */
export function useAfterRender(): (act: () => void) => void {
  const next = useRef<(() => void) | null>(null);
  useEffect(() => {
    const act = next.current;
    next.current = null;
    act?.();
  });
  return (act) => {
    next.current = act;
  };
}
