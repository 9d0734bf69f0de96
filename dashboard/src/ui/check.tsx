import { useId, type ComponentProps, type ReactNode } from "react";

export function Check({ label, hint, ...input }: { label: ReactNode; hint?: ReactNode } & ComponentProps<"input">) {
  const id = useId();
  return (
    <div className="text-sm">
      <label className="flex min-h-6 items-center gap-2">
        <input type="checkbox" aria-describedby={hint ? id : undefined} {...input} className="size-4 shrink-0 accent-(--accent)" />
        {label}
      </label>
      {hint && (
        <p id={id} className="pl-6 text-xs text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}
