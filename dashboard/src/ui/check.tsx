import type { ComponentProps, ReactNode } from "react";

/** A checkbox with its label and what it means. */
export const Check = ({ label, hint, ...input }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) => (
  <label className="flex min-h-6 items-start gap-2.5 text-sm">
    <input type="checkbox" {...input} className="mt-0.5 size-4 shrink-0 accent-(--accent)" />
    <span className="min-w-0">
      {label}
      {hint && <span className="block text-xs text-muted">{hint}</span>}
    </span>
  </label>
);
