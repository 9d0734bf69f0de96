"use client";

import { createContext, useContext, useEffect } from "react";

export const Holding = createContext<(isHeld: boolean) => void>(() => undefined);

/** Keeps the dialog around the caller open for Escape and clicks outside of it, which would lose what cannot be read again. */
export function useHeldDialog(isHeld: boolean) {
  const hold = useContext(Holding);
  useEffect(() => {
    if (!isHeld) return;
    hold(true);
    return () => hold(false);
  }, [hold, isHeld]);
}
