"use client";

import { useRouter } from "next/navigation";
import type { KeyboardEvent, ReactNode } from "react";
import { exactMoment } from "@/data/format";
import type { Edited } from "@/data/use-edited";
import { useMay } from "@/data/viewer";
import type { Scope } from "@/gql/viewer";
import { Button } from "./button";
import { Notice } from "./states";

interface Stored {
  readonly revision: number;
  readonly updatedAt?: string;
}

interface Props<Source extends Stored, Draft extends object> {
  form: Edited<Source, Draft>;
  /** What may save it; who lacks it can read the fields. */
  scope: Scope;
  what: string;
  /** What is shown instead of the sentence about what was refused. */
  problem?: ReactNode;
  /** The fields have constraints for the browser, and are disabled one by one. */
  isFieldwise?: boolean;
  /** It cannot be saved, whatever the role. */
  isReadOnly?: boolean;
  onSaved?(saved: Source, isNew: boolean): void;
  /** Where something new is shown once it was created. */
  hrefOf?(saved: Source): string;
  children: ReactNode;
}

/** The form of something that has a revision, with both ways out of a conflict. */
export function EditedForm<Source extends Stored, Draft extends object>({
  form,
  scope,
  what,
  problem,
  isFieldwise = false,
  isReadOnly = false,
  onSaved,
  hrefOf,
  children,
}: Props<Source, Draft>) {
  const router = useRouter();
  const may = useMay(scope);
  const { base, element, isBusy, isChanged } = form;
  const canSave = may && !isReadOnly && (isChanged || base === null);
  const save = async () => {
    const saved = canSave ? await form.submit() : null;
    if (!saved) return;
    onSaved?.(saved, base === null);
    // The reader may have left meanwhile.
    if (base === null && hrefOf && element.current) router.replace(hrefOf(saved));
  };
  const saveByKey = (event: KeyboardEvent) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    element.current?.requestSubmit();
  };
  // The button that had the focus is gone then.
  const discard = () => {
    form.discard();
    element.current?.focus({ preventScroll: true });
  };
  return (
    <form
      ref={element}
      tabIndex={-1}
      className="grid min-w-0 gap-5 outline-none"
      noValidate={!isFieldwise}
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={saveByKey}
      // The browser cannot show what is wrong with a field that is folded away.
      onInvalidCapture={({ target }) => target instanceof Element && target.closest("details")?.setAttribute("open", "")}
    >
      {!may && <Notice tone="info">You can see {what} and not change it: your role does not include {scope}.</Notice>}
      {form.problem && <Notice tone="bad">{problem ?? form.problem}</Notice>}
      {form.isConflict && (
        <Notice tone="warn">
          Another person saved {what} meanwhile. <Act onClick={form.showTheirs}>Show their version</Act> and discard yours, or{" "}
          <Act onClick={form.keepMine}>keep yours</Act> with their changes of the fields that you did not edit.
        </Notice>
      )}
      {form.isKept && (
        <Notice tone="info">
          You left {what} without saving, and your changes were kept.{" "}
          <Act isDisabled={isBusy} onClick={discard}>
            Discard them
          </Act>
        </Notice>
      )}
      {isFieldwise ? (
        children
      ) : (
        <fieldset disabled={!may} className="contents">
          {children}
        </fieldset>
      )}
      {may && !isReadOnly && (
        <div data-save-bar className="sticky bottom-0 z-10 -mx-1 flex flex-wrap items-center justify-end gap-3 border-t bg-bg px-1 py-3">
          <p role="status" className="mr-auto text-sm text-muted">
            {isChanged ? "There are unsaved changes." : base && stateOf(base)}
          </p>
          {isChanged && (
            <Button disabled={isBusy} onClick={discard}>
              Discard
            </Button>
          )}
          <Button type="submit" kind="primary" busy={isBusy} disabled={!canSave}>
            {base ? "Save" : "Create"}
          </Button>
        </div>
      )}
    </form>
  );
}

const stateOf = ({ revision, updatedAt }: Stored) => `Revision ${revision}${updatedAt ? `, saved ${exactMoment(updatedAt)}` : ""}`;

const Act = ({ isDisabled = false, onClick, children }: { isDisabled?: boolean; onClick(): void; children: ReactNode }) => (
  <button type="button" className="min-h-6 underline disabled:opacity-55" disabled={isDisabled} onClick={onClick}>
    {children}
  </button>
);
