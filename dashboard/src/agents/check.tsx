import type { ReactNode } from "react";

interface Props {
  checked: boolean;
  disabled: boolean;
  onChange(checked: boolean): void;
  children: ReactNode;
}

export const Check = ({ checked, disabled, onChange, children }: Props) => (
  <label className="flex min-h-6 items-center gap-2 text-sm">
    <input
      type="checkbox"
      checked={checked}
      disabled={disabled}
      onChange={({ target }) => onChange(target.checked)}
      className="size-4 accent-(--accent)"
    />
    {children}
  </label>
);
