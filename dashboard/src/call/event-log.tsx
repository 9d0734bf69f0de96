"use client";

import { useVirtualizer } from "@tanstack/react-virtual";
import type { CallEvent } from "agent-studio-client";
import { useMemo, useRef, useState } from "react";
import { timeOfDay } from "@/data/format";
import { Choice } from "@/ui/field";
import { Json } from "./conversation";

const ROW_PX = 32;

/** All events as they are stored. Only the rows in sight are in the document: a call may have 20,000. */
export function EventLog({ events }: { events: readonly CallEvent[] }) {
  const [kind, setKind] = useState("");
  const [chosen, setChosen] = useState<number | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const kinds = useMemo(() => [...new Set(events.map(({ __typename }) => __typename))].sort(), [events]);
  const rows = useMemo(() => (kind ? events.filter(({ __typename }) => __typename === kind) : events), [events, kind]);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_PX, overscan: 12 });
  const event = events.find(({ seq }) => seq === chosen);
  return (
    <div className="grid gap-4 p-4 md:p-5">
      <div className="max-w-64">
        <Choice label="Kind of event" value={kind} onChange={({ target }) => setKind(target.value)}>
          <option value="">All ({events.length})</option>
          {kinds.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Choice>
      </div>
      <div className="grid gap-4 xl:grid-cols-2">
        <div ref={box} tabIndex={0} role="region" aria-label="Events" className="h-[28rem] overflow-y-auto rounded-md border">
          <ol className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map(({ index, start }) => {
              const row = rows[index];
              if (!row) return null;
              return (
                <li key={row.seq} className="absolute inset-x-0" style={{ top: start, height: ROW_PX }} aria-setsize={rows.length} aria-posinset={index + 1}>
                  <button
                    type="button"
                    aria-pressed={row.seq === chosen}
                    onClick={() => setChosen(row.seq)}
                    className="flex size-full items-center gap-3 px-3 text-left font-mono text-xs hover:bg-hover focus-visible:-outline-offset-2
                      aria-pressed:bg-accent-soft"
                  >
                    <span className="w-10 shrink-0 text-right text-muted tabular-nums">{row.seq}</span>
                    <span className="shrink-0 text-muted tabular-nums">{timeOfDay(row.at)}</span>
                    <span className="truncate">{row.__typename}</span>
                  </button>
                </li>
              );
            })}
          </ol>
        </div>
        {event ? (
          <Json title={`Event ${event.seq}: ${event.__typename}`} value={event} />
        ) : (
          <p className="text-sm text-muted">Choose an event to see all of it.</p>
        )}
      </div>
    </div>
  );
}
