import type { ComponentProps } from "react";
import { Icon, type IconName } from "./icons";

const KINDS = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent",
  secondary: "bg-surface text-text hover:bg-hover border-line-strong/60",
  ghost: "bg-transparent text-text hover:bg-hover border-transparent",
  danger: "bg-bad-soft text-bad hover:brightness-95 border-bad/40",
} as const;

export type ButtonKind = keyof typeof KINDS;

export const buttonClass = (kind: ButtonKind, isSquare = false) =>
  `inline-flex h-9 items-center justify-center gap-2 rounded-md border text-sm font-medium whitespace-nowrap
   transition-colors disabled:opacity-55 aria-disabled:opacity-55 ${isSquare ? "w-9" : "px-3.5"} ${KINDS[kind]}`;

type Props = ComponentProps<"button"> & { kind?: ButtonKind; icon?: IconName; busy?: boolean };

/** A button that is busy, or has `aria-disabled`, keeps its width and its focus, and ignores clicks. */
export function Button({ kind = "secondary", icon, busy = false, "aria-disabled": isDisabled = false, children, className = "", onClick, ...more }: Props) {
  const isInert = busy || isDisabled === true || isDisabled === "true";
  return (
    <button
      type="button"
      {...more}
      aria-disabled={isInert || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => (isInert ? event.preventDefault() : onClick?.(event))}
      className={`${buttonClass(kind, !children)} ${className}`}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}
