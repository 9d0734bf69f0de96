"use client";

import { useEffect, useEffectEvent, useState } from "react";
import { useToast } from "./toast";

export const NOT_LOADED = "A part of the dashboard could not be loaded. Try again, or load the page again.";

type Load<Module> = () => Promise<Module>;

/** The modules that are there, by what loads them. */
const loaded = new Map<Load<unknown>, unknown>();

async function load<Module>(from: Load<Module>): Promise<Module> {
  const module = await from();
  loaded.set(from, module);
  return module;
}

/** Loads modules that will probably be wanted. If one fails, it is loaded again when it is wanted. */
export function preload(...all: readonly Load<unknown>[]) {
  for (const each of all) load(each).catch(() => undefined);
}

/** A module that is loaded when it is first wanted, to keep the first load of pages small; null until it is there. `from` has to
 *  be the same function each time. `onFailed` takes back what wanted it. */
export function useOnDemand<Module>(from: Load<Module>, isWanted: boolean, onFailed: () => void): Module | null {
  const toast = useToast();
  const [module, setModule] = useState<Module | null>(null);
  const fail = useEffectEvent(() => {
    toast("bad", NOT_LOADED);
    onFailed();
  });
  // Without waiting if it is there: the focus is still where it was, to which a dialog gives it back.
  if (isWanted && !module && loaded.has(from)) setModule(loaded.get(from) as Module);
  useEffect(() => {
    if (!isWanted || module) return;
    let isCurrent = true;
    load(from).then(
      (there) => isCurrent && setModule(there),
      () => isCurrent && fail(),
    );
    return () => {
      isCurrent = false;
    };
  }, [from, isWanted, module]);
  return module;
}
