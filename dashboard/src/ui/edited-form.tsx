"use client";

import type { ReactNode } from "react";
import { exactMoment } from "@/data/format";
import type { Edited } from "@/data/use-edited";
import { useMay } from "@/data/viewer";
import type { Scope } from "@/gql/viewer";
import { Button } from "./button";
import { Notice } from "./states";

interface Props<Source extends { readonly revision: number; readonly updatedAt?: string }, Draft extends object> {
  form: Edited<Source, Draft>;
  /** What may save it; who lacks it can read the fields. */
  scope: Scope;
  what: string;
  onSaved?(saved: Source, isNew: boolean): void;
  children: ReactNode;
}

/** The form of something that has a revision, with both ways out of a conflict. */
export function EditedForm<Source extends { readonly revision: number; readonly updatedAt?: string }, Draft extends object>({
  form,
  scope,
  what,
  onSaved,
  children,
}: Props<Source, Draft>) {
  const may = useMay(scope);
  const { base, isChanged } = form;
  const save = async () => {
    const saved = isChanged ? await form.submit() : null;
    if (saved) onSaved?.(saved, base === null);
  };
  return (
    <form
      ref={form.element}
      className="grid gap-5"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {!may && <Notice tone="info">You can see {what} and not change it: your role does not include {scope}.</Notice>}
      {form.problem && <Notice tone="bad">{form.problem}</Notice>}
      {form.isConflict && <Conflict what={what} form={form} />}
      <fieldset disabled={!may} className="contents">
        {children}
      </fieldset>
      {may && (
        <div data-save-bar className="sticky bottom-0 -mx-1 flex flex-wrap items-center justify-end gap-3 border-t bg-bg px-1 py-3">
          <p role="status" className="mr-auto text-sm text-muted">
            {isChanged ? "There are unsaved changes." : base ? `Revision ${base.revision}${base.updatedAt ? `, saved ${exactMoment(base.updatedAt)}` : ""}` : ""}
          </p>
          {isChanged && <Button onClick={form.discard}>Discard</Button>}
          <Button type="submit" kind="primary" busy={form.isBusy} disabled={!isChanged}>
            {base ? "Save" : "Create"}
          </Button>
        </div>
      )}
    </form>
  );
}

function Conflict<Source extends { readonly revision: number }, Draft extends object>({ what, form }: { what: string; form: Edited<Source, Draft> }) {
  return (
    <Notice tone="warn">
      Another person changed {what} meanwhile.{" "}
      <button type="button" className="min-h-6 underline" onClick={form.showTheirs}>
        Show their version
      </button>{" "}
      and discard yours, or{" "}
      <button type="button" className="min-h-6 underline" onClick={form.keepMine}>
        keep yours
      </button>{" "}
      with their changes of the fields that you did not edit.
    </Notice>
  );
}
