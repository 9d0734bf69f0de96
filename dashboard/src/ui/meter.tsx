import type { ReactNode } from "react";

interface Props {
  label: ReactNode;
  /** The figures in words; the bar only repeats them. */
  value: ReactNode;
  used: number;
  /** Null for no limit, and then there is no bar. */
  limit: number | null;
  note?: ReactNode;
}

const NEAR = 0.8;

/** How much of a limit is used. */
export function Meter({ label, value, used, limit, note }: Props) {
  const share = limit === null ? 0 : limit === 0 ? 1 : Math.min(1, used / limit);
  const colour = share >= 1 ? "bg-bad" : share >= NEAR ? "bg-warn" : "bg-accent";
  return (
    <div className="text-sm">
      <div className="flex flex-wrap justify-between gap-x-4">
        <span>{label}</span>
        <span className="text-muted tabular-nums">{value}</span>
      </div>
      {limit !== null && (
        <div className="mt-1.5 h-2 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
          <div className={`h-full rounded-full ${colour}`} style={{ width: `${100 * share}%` }} />
        </div>
      )}
      {note && <p className="mt-1 text-xs text-muted">{note}</p>}
    </div>
  );
}
