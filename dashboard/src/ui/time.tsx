import { ago, exactMoment, moment } from "@/data/format";

/** A time as it is written in lists, or how long ago it was; the exact time is its title. */
export function Time({ at, none = "–", isRelative = false }: { at: string | null; none?: string; isRelative?: boolean }) {
  if (at === null) return <span className="text-muted">{none}</span>;
  return (
    <time dateTime={at} title={isRelative ? exactMoment(at) : `${exactMoment(at)}, ${ago(at)}`} className="whitespace-nowrap tabular-nums">
      {isRelative ? ago(at) : moment(at)}
    </time>
  );
}
