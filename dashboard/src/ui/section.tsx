import type { ReactNode } from "react";

/** A titled group of fields. */
export function Section({ title, hint, children }: { title: string; hint?: ReactNode; children: ReactNode }) {
  return (
    <fieldset className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
      <legend className="float-left w-full text-sm font-semibold">{title}</legend>
      {hint && <div className="clear-both pt-1 text-sm text-muted">{hint}</div>}
      <div className="clear-both grid gap-4 pt-4">{children}</div>
    </fieldset>
  );
}
