"use client";

import type { CallEvent } from "agent-studio-client";
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { timeOfDay } from "@/data/format";
import { Button } from "@/ui/button";
import { Choice } from "@/ui/field";
import { Json } from "./conversation";
import { useLongList } from "./long-list";

const ROW_PX = 32;
/** By how many rows a key moves. */
const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12, Home: -Infinity, End: Infinity };

interface Props {
  events: readonly CallEvent[];
  isLive: boolean;
  /** Number of the event that is shown in full. */
  chosen: number | null;
  onChoose(seq: number): void;
  onShowContext(seq: number): void;
}

/** All events as they are stored: a list box, so that a log of any length is one stop of the Tab key. */
export function EventLog({ events, isLive, chosen, onChoose, onShowContext }: Props) {
  const [kind, setKind] = useState("");
  const kinds = useMemo(() => [...new Set(events.map(({ __typename }) => __typename))].sort(), [events]);
  const rows = useMemo(() => (kind ? events.filter(({ __typename }) => __typename === kind) : events), [events, kind]);
  const index = useMemo(() => rows.findIndex(({ seq }) => seq === chosen), [rows, chosen]);
  const keyOf = useCallback((row: number) => `${rows[row]?.seq}`, [rows]);
  const { box, virtual } = useLongList({ count: rows.length, keyOf, rowPx: ROW_PX, isLive, kept: index });
  const event = events.find(({ seq }) => seq === chosen);
  // The event of the address is shown once it has been loaded.
  const isShown = useRef(false);
  useEffect(() => {
    if (isShown.current || index < 0) return;
    isShown.current = true;
    virtual.scrollToIndex(index, { align: "center" });
  }, [index, virtual]);
  if (!events.length) return <p className="p-5 text-sm text-muted">No event has been loaded yet.</p>;

  const move = (pressed: KeyboardEvent) => {
    const step = STEPS[pressed.key];
    if (step === undefined) return;
    pressed.preventDefault();
    const next = Math.max(0, Math.min(index + step, rows.length - 1));
    const row = rows[next];
    if (!row) return;
    onChoose(row.seq);
    virtual.scrollToIndex(next);
  };
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
        <div
          ref={box}
          tabIndex={0}
          role="listbox"
          aria-label="Events"
          aria-activedescendant={index < 0 ? undefined : `event-${chosen}`}
          onKeyDown={move}
          className="h-[28rem] overflow-y-auto rounded-md border"
        >
          <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map(({ index: position, start }) => {
              const row = rows[position];
              return (
                row && (
                  <div
                    key={row.seq}
                    id={`event-${row.seq}`}
                    role="option"
                    aria-selected={row.seq === chosen}
                    aria-setsize={rows.length}
                    aria-posinset={position + 1}
                    onClick={() => onChoose(row.seq)}
                    className="absolute inset-x-0 top-0 flex cursor-pointer items-center gap-3 px-3 font-mono text-xs hover:bg-hover
                      aria-selected:bg-accent-soft"
                    style={{ height: ROW_PX, transform: `translateY(${start}px)` }}
                  >
                    <span className="w-10 shrink-0 text-right text-muted tabular-nums">{row.seq}</span>
                    <span className="shrink-0 text-muted tabular-nums">{timeOfDay(row.at)}</span>
                    <span className="truncate">{row.__typename}</span>
                  </div>
                )
              );
            })}
          </div>
        </div>
        {event ? (
          <div className="grid content-start gap-3">
            <Json title={`Event ${event.seq}: ${event.__typename}`} value={event} />
            <div>
              <Button onClick={() => onShowContext(event.seq)}>Show the context at this event</Button>
            </div>
          </div>
        ) : (
          <p className="text-sm text-muted">Choose an event to see all of it.</p>
        )}
      </div>
    </div>
  );
}
