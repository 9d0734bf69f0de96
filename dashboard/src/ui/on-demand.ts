"use client";

import { useEffect, useRef, useState } from "react";
import { useToast } from "./toast";

export const NOT_LOADED = "A part of the dashboard could not be loaded. Try again, or load the page again.";

/** A module that is loaded when it is first wanted, to keep the first load of pages small; null until it is there. `load` has to
 *  be the same function each time. `onFailed` takes back what wanted it. */
export function useOnDemand<Module>(load: () => Promise<Module>, isWanted: boolean, onFailed: () => void): Module | null {
  const toast = useToast();
  const [module, setModule] = useState<Module | null>(null);
  const fail = useRef(onFailed);
  fail.current = onFailed;
  useEffect(() => {
    if (!isWanted || module) return;
    let isCurrent = true;
    load().then(
      (loaded) => isCurrent && setModule(loaded),
      () => {
        if (!isCurrent) return;
        toast("bad", NOT_LOADED);
        fail.current();
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [load, isWanted, module, toast]);
  return module;
}
