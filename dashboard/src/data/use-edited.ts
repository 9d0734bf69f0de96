"use client";

// The form of something that has a revision: what is not saved is kept while the reader is on other pages, and edits of
// other people are shown instead of being overwritten.

import { useEffect, useState } from "react";
import { useClient, type Client } from "urql";
import { isSame, useForm, type Outcome } from "./use-form";

interface Revised {
  readonly revision: number;
}

interface Kept<Source, Draft> {
  readonly base: Source | null;
  readonly draft: Draft;
}

const unsaved = new WeakMap<Client, Map<string, unknown>>();

/** The forms that the reader of this client left without saving, by what they edit. */
function keptBy(client: Client): Map<string, unknown> {
  const kept = unsaved.get(client) ?? new Map<string, unknown>();
  unsaved.set(client, kept);
  return kept;
}

/** Whether `source` is newer than what a form was filled from: a list can leave a new revision next to old values in the cache. */
export function isNewer(source: Revised, base: Revised, hasSameValues: boolean): boolean {
  return source.revision > base.revision || (source.revision === base.revision && !hasSameValues);
}

/** `mine` where it differs from `before`, else `theirs`. */
function merged<Draft extends object>(mine: Draft, before: Draft, theirs: Draft): Draft {
  const result = { ...theirs };
  for (const name of Object.keys(theirs) as (keyof Draft)[]) if (!isSame(mine[name], before[name])) result[name] = mine[name];
  return result;
}

interface Options<Source extends Revised, Draft extends object> {
  /** What is edited, for instance `phone-number:…`. */
  readonly name: string;
  /** What the API has; null for something new. */
  readonly source: Source | null;
  readonly draftOf: (source: Source | null) => Draft;
  readonly save: (draft: Draft, base: Source | null) => Promise<Outcome<Source>>;
  /** Reads `source` again: after it was saved, and when another person has saved it. */
  readonly reload: () => void;
}

export function useEdited<Source extends Revised, Draft extends object>({ name, source, draftOf, save, reload }: Options<Source, Draft>) {
  const client = useClient();
  const [kept] = useState(() => keptBy(client).get(name) as Kept<Source, Draft> | undefined);
  // The revision that the form was filled from: an edit by another person shows in `source`, not here.
  const [base, setBase] = useState(kept ? kept.base : source);
  const form = useForm<Draft>(() => kept?.draft ?? draftOf(source));
  const { draft, setDraft, setProblem } = form;
  const original = draftOf(base);
  const theirs = draftOf(source);
  const isChanged = !isSame(draft, original);
  const isOutdated = source !== null && base !== null && isNewer(source, base, isSame(theirs, original));
  const isConflict = isOutdated && isChanged && !isSame(theirs, original);

  useEffect(() => {
    if (isChanged) keptBy(client).set(name, { base, draft } satisfies Kept<Source, Draft>);
    else keptBy(client).delete(name);
  }, [client, name, base, draft, isChanged]);
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);

  const takeTheirs = (next: Draft, problem = "") => {
    setBase(source);
    setDraft(next);
    setProblem(problem);
  };
  // What others saved is taken over as long as it does not concern what is edited here.
  useEffect(() => {
    if (!isOutdated || isConflict) return;
    takeTheirs(merged(draft, original, theirs), form.problem && "Another person saved other values meanwhile. Save again.");
  });

  const submit = async (): Promise<Source | null> => {
    const saved = await form.submit(async () => {
      const outcome = await save(draft, base);
      if (!outcome.ok && outcome.error.code === "REVISION_CONFLICT") reload();
      return outcome;
    });
    if (!saved) return null;
    keptBy(client).delete(name);
    setBase(saved);
    // What was typed while it was being saved is not saved yet.
    setDraft((now) => merged(now, draft, draftOf(saved)));
    reload();
    return saved;
  };

  return {
    ...form,
    ...{ base, isChanged, isConflict, submit },
    discard: () => {
      setDraft(original);
      form.forgetProblems();
    },
    showTheirs: () => takeTheirs(theirs),
    keepMine: () => takeTheirs(merged(draft, original, theirs)),
  };
}

export type Edited<Source extends Revised, Draft extends object> = ReturnType<typeof useEdited<Source, Draft>>;
