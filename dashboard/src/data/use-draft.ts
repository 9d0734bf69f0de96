"use client";

// A draft of something that has a revision: what is not saved is kept while the reader is on other pages, and edits of
// other people are merged instead of being overwritten.

import { useEffect, useMemo, useRef, useState, type SetStateAction } from "react";
import { useClient, type Client } from "urql";
import { useToast } from "@/ui/toast";
import { messageOf } from "./problem";
import type { Outcome } from "./refusal";
import { isSame as isSameJson } from "./use-form";
import { useMounted } from "./use-mounted";

export interface Revised {
  readonly revision: number;
}

interface State<Source, Draft> {
  /** What the draft was made from; null for something new. An edit by another person shows in the source, not here. */
  readonly base: Source | null;
  /** The draft as it was made from it; what was not edited since is the same object. */
  readonly original: Draft;
  readonly draft: Draft;
}

const unsaved = new WeakMap<Client, Map<string, unknown>>();

/** The drafts that the reader of this client left without saving, by what they edit. */
function keptBy(client: Client): Map<string, unknown> {
  const kept = unsaved.get(client) ?? new Map<string, unknown>();
  unsaved.set(client, kept);
  return kept;
}

/** Whether `source` is newer than what a draft was made from: a list can leave a new revision next to old values in the cache. */
const isNewer = (source: Revised, base: Revised, hasSameValues: boolean) =>
  source.revision > base.revision || (source.revision === base.revision && !hasSameValues);

export interface DraftOptions<Source extends Revised, Draft extends object> {
  /** What is edited, for instance `phone-number:…`; of null for something new. */
  nameOf(base: Source | null): string;
  /** What the API has; null for something new. */
  readonly source: Source | null;
  draftOf(source: Source | null): Draft;
  /** Whether two values of drafts mean the same. */
  isSame?(a: unknown, b: unknown): boolean;
}

export function useDraft<Source extends Revised, Draft extends object>({
  nameOf,
  source,
  draftOf,
  isSame = isSameJson,
}: DraftOptions<Source, Draft>) {
  const client = useClient();
  const toast = useToast();
  const [kept] = useState(() => keptBy(client).get(nameOf(source)) as State<Source, Draft> | undefined);
  const [state, setState] = useState<State<Source, Draft>>(() => {
    const original = draftOf(source);
    return kept ?? { base: source, original, draft: original };
  });
  const [isKept, setKept] = useState(kept !== undefined);
  const [isBusy, setBusy] = useState(false);
  const latest = useRef(state);
  latest.current = state;
  const isMounted = useMounted();
  /** What this form has put among the drafts that are not saved. */
  const left = useRef<State<Source, Draft>>(undefined);
  const { base, original, draft } = state;
  const name = nameOf(base);
  const theirs = useMemo(() => draftOf(source), [source]);
  const isChanged = !isSame(draft, original);
  const isOutdated = !isBusy && source !== null && base !== null && isNewer(source, base, isSame(theirs, original));
  const isConflict = isOutdated && isChanged && !isSame(theirs, original) && !isSame(theirs, draft);

  /** `mine` where it differs from `before`, else `after`; what means the same stays the same object. */
  const merged = (mine: Draft, before: Draft, after: Draft): Draft => {
    const result = { ...mine };
    for (const each of Object.keys(after) as (keyof Draft)[])
      if (isSame(mine[each], before[each]) && !isSame(mine[each], after[each])) result[each] = after[each];
    return result;
  };
  /** The same made from `next`: what was edited since `before` stays. */
  const rebased = (now: State<Source, Draft>, next: Source | null, before = now.original): State<Source, Draft> => {
    const after = merged(before, before, draftOf(next));
    return { base: next, original: after, draft: merged(now.draft, before, after) };
  };
  const settle = (next: SetStateAction<State<Source, Draft>>) => {
    setState(next);
    setKept(false);
  };
  /** Keeps what the reader left; false if they came back meanwhile and have changed, saved or discarded it there. */
  const keep = (now: State<Source, Draft>) => {
    const [all, at] = [keptBy(client), nameOf(now.base)];
    if (all.get(at) !== left.current) return false;
    if (isSame(now.draft, now.original)) all.delete(at);
    else all.set(at, now);
    return true;
  };

  useEffect(() => {
    // What is just being created must not be there to be created once more.
    left.current = isChanged && (base || !isBusy) ? state : undefined;
    if (left.current) keptBy(client).set(name, left.current);
    else keptBy(client).delete(name);
  }, [client, name, base, state, isChanged, isBusy]);
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);
  // What others saved is taken over as long as it does not concern what is edited here.
  useEffect(() => {
    if (isOutdated && !isConflict) setState((now) => (now.base === base ? rebased(now, source) : now));
  });

  /** Saves the draft. The reader can leave meanwhile: then its end decides what is kept. */
  const send = async (save: (draft: Draft, base: Source | null) => Promise<Outcome<Source>>): Promise<Outcome<Source>> => {
    setBusy(true);
    try {
      const outcome = await save(draft, base);
      if (outcome.ok) {
        // What was typed while it was being saved is not saved yet.
        const next = (now: State<Source, Draft>) => rebased(now, outcome.value, draft);
        if (isMounted.current) settle(next);
        else keep(next(latest.current));
      } else if (!isMounted.current) {
        const isKept = keep(latest.current);
        toast("bad", `${messageOf(outcome.error)} It was not saved${isKept ? ", and what you typed is kept" : ""}.`);
      }
      return outcome;
    } finally {
      setBusy(false);
    }
  };

  return {
    ...{ base, draft, isChanged, isConflict, isBusy, send },
    /** Whether the reader is back at what they left without saving. */
    isKept: isKept && isChanged && !isConflict,
    change: (update: (before: Draft) => Draft) => setState((now) => ({ ...now, draft: update(now.draft) })),
    discard: () => settle((now) => ({ ...now, draft: now.original })),
    showTheirs: () => settle((now) => rebased({ ...now, draft: now.original }, source)),
    keepMine: () => settle((now) => rebased(now, source)),
  };
}
