"use client";

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { begin, commit, redo, saved, undo, type History } from "./history";
import { existing, NOTHING, type Draft, type Saved, type Selection } from "./model";
import { isSame } from "./stored";
import { keepUnsaved, readUnsaved } from "./unsaved";

export interface Editing {
  /** The stored draft from which the changes were made. */
  readonly base: Saved;
  readonly draft: Draft;
  readonly isChanged: boolean;
  /** The changes that this tab has kept could not be read. */
  readonly isUnreadable: boolean;
  readonly selection: Selection;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  select(next: Selection | ((before: Selection) => Selection)): void;
  /** One step for undo; consecutive changes of one `field` are one step. */
  change(to: (draft: Draft) => Draft, field?: string): void;
  undo(): void;
  redo(): void;
  /** Takes what was stored of this draft as the base of all its steps, and `to` as the draft. */
  rebase(base: Saved, to: (draft: Draft) => Draft): void;
  /** Takes what another person stored as the base from here on. */
  follow(base: Saved, draft: Draft): void;
}

/** The history of one workflow in this tab; changes that were not saved are there again after a reload. */
export function useEditing(workflowId: string, stored: Saved, initial: (draft: Draft) => Selection): Editing {
  const [{ step, isUnreadable }] = useState(() => readUnsaved(workflowId));
  const [start] = useState(step ?? { base: stored, draft: stored.draft });
  const [history, setHistory] = useState<History>(() => begin(start));
  const [wanted, select] = useState<Selection>(() => initial(start.draft));
  const { base, draft } = history.present;
  const isChanged = useMemo(() => !isSame(base.draft, draft), [base, draft]);
  // What undo takes away is no longer selected.
  const selection = useMemo(() => (wanted === NOTHING ? NOTHING : existing(draft, wanted)), [draft, wanted]);

  // What cannot be read stays until there is something else to keep.
  const mayReplace = useRef(!isUnreadable);
  useEffect(() => {
    mayReplace.current ||= isChanged;
    if (mayReplace.current) keepUnsaved(workflowId, isChanged ? { base, draft } : null);
  }, [workflowId, base, draft, isChanged]);
  useEffect(() => {
    if (!isChanged) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);

  const change = useCallback(
    (to: (draft: Draft) => Draft, field = "") => setHistory((before) => commit(before, { base: before.present.base, draft: to(before.present.draft) }, field)),
    [],
  );
  const rebase = useCallback(
    (next: Saved, to: (draft: Draft) => Draft) =>
      setHistory((before) => commit(saved(before, next), { base: next, draft: to(before.present.draft) })),
    [],
  );
  const follow = useCallback((next: Saved, from: Draft) => setHistory((before) => commit(before, { base: next, draft: from })), []);
  return {
    base,
    draft,
    isChanged,
    isUnreadable,
    selection,
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
    select,
    change,
    undo: useCallback(() => setHistory(undo), []),
    redo: useCallback(() => setHistory(redo), []),
    rebase,
    follow,
  };
}
