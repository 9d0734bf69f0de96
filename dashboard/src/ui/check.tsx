import { useId, type ComponentProps, type ReactNode } from "react";

/** A checkbox with its label and what it means. */
export function Check({ label, hint, ...input }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) {
  const id = useId();
  return (
    <label className="flex min-h-6 items-start gap-2.5 text-sm">
      <input type="checkbox" {...input} aria-describedby={hint ? id : undefined} className="mt-0.5 size-4 shrink-0 accent-(--accent)" />
      <span className="min-w-0">
        {label}
        {hint && (
          <span id={id} className="block text-xs text-muted">
            {hint}
          </span>
        )}
      </span>
    </label>
  );
}
