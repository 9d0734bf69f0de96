"use client";

// The form of something that has a revision: a draft with fields.

import { useEffect } from "react";
import type { Outcome } from "./refusal";
import { useDraft, type DraftOptions, type Revised } from "./use-draft";
import { useFields } from "./use-form";

interface Options<Source extends Revised, Draft extends object> extends DraftOptions<Source, Draft> {
  /** Which paths of refused values have a field besides those of the draft. */
  isShown?(path: string): boolean;
  save(draft: Draft, base: Source | null): Promise<Outcome<Source>>;
  /** Reads the source again: after it was saved, and when another person has saved it. */
  reload(): void;
}

export function useEdited<Source extends Revised, Draft extends object>({ isShown, save, reload, ...options }: Options<Source, Draft>) {
  const { draft, change, send, discard, showTheirs, keepMine, ...edited } = useDraft(options);
  const { setProblem, forgetProblems, ...fields } = useFields(draft, change, isShown);

  useEffect(() => setProblem((before) => before && "Another person saved other values meanwhile. Save again."), [edited.base]);

  const submit = () =>
    fields.submit(async () => {
      const outcome = await send(save);
      if (outcome.ok || outcome.error.code === "REVISION_CONFLICT") reload();
      return outcome;
    });
  const without = (act: () => void) => () => {
    act();
    forgetProblems();
  };
  return {
    ...fields,
    ...edited,
    ...{ submit, change, discard: without(discard), showTheirs: without(showTheirs), keepMine: without(keepMine) },
  };
}

export type Edited<Source extends Revised, Draft extends object> = ReturnType<typeof useEdited<Source, Draft>>;
