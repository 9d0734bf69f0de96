import type { DiffChangeFragment } from "@/gql/versions";
import { Icon } from "@/ui/icons";
import { sectionsOf, type Item } from "./changes";
import type { Line } from "./line-diff";

/** Differences as sentences, by the object that they concern; long texts line by line. */
export function ChangeList({ changes }: { changes: readonly DiffChangeFragment[] }) {
  return (
    <div className="grid gap-5">
      {sectionsOf(changes).map(({ key, title, icon, items }) => (
        <div key={key} className="min-w-0">
          <h3 className="flex items-center gap-2 text-sm font-semibold">
            <Icon name={icon} width={16} height={16} className="text-muted" />
            <span className="min-w-0 break-words">{title}</span>
          </h3>
          <ul className="mt-1.5 grid gap-2.5 border-l-2 pl-4">
            {items.map((item) => (
              <li key={item.key} className="min-w-0 text-sm">
                {item.sentence}
                {item.lines ? <Lines lines={item.lines} /> : item.key ? <Values item={item} /> : <Whole item={item} />}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

const BLOCK = "mt-1.5 overflow-hidden rounded-md border font-mono text-xs break-words whitespace-pre-wrap";

/** What was there and what is there now, of a short value. */
function Values({ item: { before, after } }: { item: Item }) {
  if (before === null && after === null) return null;
  return (
    <div className={BLOCK}>
      {before !== null && <LineView line={{ kind: "OLD", parts: [{ text: before, isChanged: false }] }} />}
      {after !== null && <LineView line={{ kind: "NEW", parts: [{ text: after, isChanged: false }] }} />}
    </div>
  );
}

const Lines = ({ lines }: { lines: readonly Line[] }) => (
  <div className={BLOCK}>
    {lines.map((line, index) => (
      <LineView key={index} line={line} />
    ))}
  </div>
);

const KINDS = {
  SAME: { className: "bg-surface text-muted", sign: " ", spoken: "" },
  OLD: { className: "bg-bad-soft text-bad", sign: "−", spoken: "Before: " },
  NEW: { className: "bg-ok-soft text-ok", sign: "+", spoken: "After: " },
  GAP: { className: "bg-sunken text-muted", sign: "⋯", spoken: "" },
} as const;

function LineView({ line: { kind, parts } }: { line: Line }) {
  const { className, sign, spoken } = KINDS[kind];
  return (
    <div className={`flex gap-2 px-2.5 py-0.5 ${className}`}>
      <span aria-hidden="true" className="w-2 shrink-0 select-none">
        {sign}
      </span>
      <span className="min-w-0">
        {spoken && <span className="sr-only">{spoken}</span>}
        {parts.map(({ text, isChanged }, index) =>
          isChanged ? (
            <mark key={index} className="rounded-sm bg-transparent text-inherit underline decoration-2 underline-offset-2">
              {text}
            </mark>
          ) : (
            text
          ),
        )}
      </span>
    </div>
  );
}

/** The whole configuration of what was added or removed. */
function Whole({ item: { before, after } }: { item: Item }) {
  return (
    <details className="mt-1">
      <summary className="inline-flex min-h-6 items-center text-xs text-muted underline">Show its configuration</summary>
      <pre tabIndex={0} aria-label="Configuration" className={`${BLOCK} max-h-72 overflow-auto bg-sunken px-2.5 py-2`}>
        {after ?? before}
      </pre>
    </details>
  );
}
