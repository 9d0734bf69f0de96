"use client";

import { useId, type ComponentProps, type ReactNode } from "react";

/** A field that takes the focus is scrolled into view with its problem, which is below it. */
export const controlClass = `w-full rounded-md border border-line-strong bg-surface px-3 text-sm text-text
  placeholder:text-muted disabled:opacity-60 aria-invalid:scroll-mb-14 aria-invalid:border-bad`;

export interface Labelled {
  label: ReactNode;
  hint?: ReactNode;
  problem?: string | undefined;
}

export function Frame({ id, label, hint, problem, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="grid content-start gap-1.5">
      <label id={`${id}-label`} htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className="text-xs text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

export const described = (id: string, { hint, problem }: Labelled) => ({
  "aria-describedby": [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ") || undefined,
  "aria-invalid": problem ? true : undefined,
});

export function Field({ label, hint, problem, className = "", ...input }: Labelled & ComponentProps<"input">) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} problem={problem}>
      <input id={id} {...input} {...described(id, { label, hint, problem })} className={`${controlClass} h-10 ${className}`} />
    </Frame>
  );
}

export function TextArea({ label, hint, problem, className = "", ...area }: Labelled & ComponentProps<"textarea">) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} problem={problem}>
      <textarea id={id} {...area} {...described(id, { label, hint, problem })} className={`${controlClass} py-2 ${className}`} />
    </Frame>
  );
}

export function Choice({ label, hint, problem, children, ...select }: Labelled & ComponentProps<"select">) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} problem={problem}>
      <select id={id} {...select} {...described(id, { label, hint, problem })} className={`${controlClass} h-10`}>
        {children}
      </select>
    </Frame>
  );
}
