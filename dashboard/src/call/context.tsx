"use client";

import type { CallEvent } from "agent-studio-client";
import { useMemo } from "react";
import { timeOfDay } from "@/data/format";
import { Button } from "@/ui/button";
import { Panel } from "./details";

interface Value {
  readonly value: unknown;
  /** Number of the event that set it. */
  readonly seq: number;
}

/** The context after the event with this number, computed from the log as the worker does it. */
export function contextAt(events: readonly CallEvent[], seq: number): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  for (const event of events) {
    if (event.seq > seq) break;
    if (event.__typename !== "ContextChanged") continue;
    if (event.removed) values.delete(event.path);
    else values.set(event.path, { value: event.value, seq: event.seq });
  }
  return values;
}

interface Props {
  events: readonly CallEvent[];
  /** Number of the event after which the context is shown; null for the newest one. */
  point: number | null;
  onMove(point: number | null): void;
}

/** The context at any point of the call. */
export function ContextPanel({ events, point, onMove }: Props) {
  const first = events[0]?.seq ?? 1;
  const last = events.at(-1)?.seq ?? 1;
  const seq = Math.min(point ?? last, last);
  const values = useMemo(() => contextAt(events, seq), [events, seq]);
  const event = events[seq - first];
  return (
    <Panel title="Context">
      {event && events.length > 1 && (
        <div className="mb-4">
          <label htmlFor="context-point" className="text-xs text-muted">
            Point in the log
          </label>
          <input
            id="context-point"
            type="range"
            min={first}
            max={last}
            value={seq}
            aria-valuetext={`Event ${seq} of ${last}, ${event.__typename}`}
            onChange={({ target }) => onMove(Number(target.value) === last ? null : Number(target.value))}
            className="h-6 w-full accent-accent"
          />
          <div className="flex min-h-9 items-center justify-between gap-3 text-xs text-muted">
            <span className="min-w-0">
              After event <span className="tabular-nums">{seq}</span> of <span className="tabular-nums">{last}</span>,{" "}
              <time dateTime={event.at}>{timeOfDay(event.at)}</time>
              <span className="block truncate font-mono">{event.__typename}</span>
            </span>
            {point !== null && (
              <Button kind="ghost" onClick={() => onMove(null)}>
                Newest
              </Button>
            )}
          </div>
        </div>
      )}
      {values.size === 0 ? (
        <p className="text-sm text-muted">No value {point === null ? "has been set." : "was set yet."}</p>
      ) : (
        <dl className="grid gap-2 text-sm">
          {[...values].map(([path, { value, seq: setAt }]) => (
            <div key={path} className={setAt === seq ? "rounded-md bg-accent-soft px-2 py-1" : ""}>
              <dt className="flex justify-between gap-3 font-mono text-xs text-muted">
                <span className="min-w-0 break-words">{path}</span>
                {setAt === seq && <span className="font-sans text-text">set here</span>}
              </dt>
              <dd className="font-mono text-[13px] break-words">{JSON.stringify(value)}</dd>
            </div>
          ))}
        </dl>
      )}
      {first > 1 && <p className="mt-3 text-xs text-muted">The log is too long to load: what was set before event {first} is not shown.</p>}
    </Panel>
  );
}
