"use client";

import { useCallback, useMemo, type ReactNode } from "react";
import { milliseconds, seconds, timeOfDay } from "@/data/format";
import { Badge, type Tone } from "@/ui/badge";
import { Icon } from "@/ui/icons";
import { Find, useFind } from "./find";
import { LongList, useOpened } from "./long-list";
import type { Entry, Note, Spoken } from "./story";

const ROW_PX = 76;

interface Props {
  story: readonly Entry[];
  isLive: boolean;
  /** The turn that is heard in the recording. */
  heard?: string | undefined;
  /** Plays the recording from a turn. */
  onPlay?: ((key: string) => void) | undefined;
  children?: ReactNode;
}

/** The conversation. While the call is live it follows the end, until the reader scrolls up. */
export function Conversation({ story, isLive, heard, onPlay, children }: Props) {
  const [opened, toggle] = useOpened();
  const keyOf = useCallback((index: number) => story[index]?.key ?? `${index}`, [story]);
  const find = useFind(story);
  const heardAt = useMemo(() => (heard ? story.findIndex(({ key }) => key === heard) : -1), [heard, story]);
  return (
    <>
      {story.length > 0 ? <Find {...find} /> : <p className="p-5 text-sm text-muted">Nothing has been said yet.</p>}
      <LongList
        label="Conversation"
        className="max-h-[max(24rem,calc(100dvh-19rem))] px-4 md:px-5"
        count={story.length}
        keyOf={keyOf}
        rowPx={ROW_PX}
        isLive={isLive}
        shown={find.found < 0 ? heardAt : find.found}
        marked={find.found}
      >
        {(index) => {
          const entry = story[index];
          if (!entry) return null;
          const { key } = entry;
          if (entry.kind === "NOTE") return <NoteView note={entry.note} at={entry.at} />;
          if (entry.kind === "TOOL") return <ToolView entry={entry} isOpen={opened.has(key)} onToggle={(isOpen) => toggle(key, isOpen)} />;
          return <TurnView turn={entry.turn} at={entry.at} isHeard={heard === key} onPlay={onPlay && (() => onPlay(key))} />;
        }}
      </LongList>
      <Announcer story={story} isLive={isLive} />
      {children}
    </>
  );
}

const PROGRESS = { SPEAKING: "speaking…", SENDING: "sending…", LOST: "not delivered" } as const;

interface TurnProps {
  turn: Spoken;
  at: string | null;
  isHeard: boolean;
  onPlay: (() => void) | undefined;
}

function TurnView({ turn, at, isHeard, onPlay }: TurnProps) {
  const isCaller = turn.speaker === "CALLER";
  const name = isCaller ? "Caller" : (turn.agent ?? "Agent");
  const { measured } = turn;
  return (
    <div data-turn={name} className={`flex flex-col gap-1 ${isCaller ? "items-end" : "items-start"}`}>
      <p className="flex items-center gap-2 text-xs text-muted">
        <span className="font-medium">{name}</span>
        {at ? <time dateTime={at}>{timeOfDay(at)}</time> : <span>{PROGRESS[turn.delivery ?? "SPEAKING"]}</span>}
        {measured && <span>{seconds(milliseconds(measured.firstAudio ?? measured.total))}</span>}
        {onPlay && at && (
          <button
            type="button"
            onClick={onPlay}
            aria-label={`Play from here: ${turn.text}`}
            className="grid size-6 place-items-center rounded-md hover:bg-hover hover:text-text"
          >
            <Icon name="play" width={14} height={14} />
          </button>
        )}
      </p>
      <div
        data-words
        className={`max-w-[85%] rounded-2xl px-3.5 py-2 text-sm whitespace-pre-wrap ${
          isCaller ? "rounded-tr-sm bg-accent-soft" : "rounded-tl-sm bg-sunken"
        } ${turn.partial ? "text-muted italic" : ""} ${isHeard ? "outline-2 outline-accent" : ""}`}
        aria-current={isHeard ? "time" : undefined}
      >
        <Words turn={turn} />
      </div>
    </div>
  );
}

/** What was said; of an interrupted reply, what the caller heard and what they did not. */
function Words({ turn: { text, heardText, interrupted } }: { turn: Spoken }) {
  if (!interrupted || heardText === null) return text;
  const heard = heardText.trim();
  const rest = text.startsWith(heard) ? text.slice(heard.length).trim() : "";
  return (
    <>
      {heard || <span className="text-muted">The caller heard nothing of this.</span>}{" "}
      <Badge tone="warn">interrupted</Badge>
      {rest && (
        <span className="mt-1 block text-muted">
          <span className="sr-only">Not heard: </span>
          <s>{rest}</s>
        </span>
      )}
    </>
  );
}

const OUTCOMES: Record<string, { label: string; tone: Tone }> = {
  SUCCEEDED: { label: "succeeded", tone: "ok" },
  FAILED: { label: "failed", tone: "bad" },
  REFUSED: { label: "refused: arguments not valid", tone: "warn" },
  UNKNOWN: { label: "outcome unknown", tone: "warn" },
};

interface ToolProps {
  entry: Extract<Entry, { kind: "TOOL" }>;
  isOpen: boolean;
  onToggle(isOpen: boolean): void;
}

function ToolView({ entry: { call, changes }, isOpen, onToggle }: ToolProps) {
  const outcome = call.outcome ? (OUTCOMES[call.outcome] ?? { label: call.outcome, tone: "neutral" as const }) : null;
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => onToggle(currentTarget.open)} className="group rounded-lg border">
      <summary className="flex min-h-9 list-none items-center gap-2.5 rounded-lg px-3 text-sm hover:bg-hover [&::-webkit-details-marker]:hidden">
        <Icon name="tool" width={16} height={16} className="text-muted" />
        <code className="min-w-0 truncate font-mono text-[13px]">{call.tool}</code>
        {outcome ? <Badge tone={outcome.tone}>{outcome.label}</Badge> : <Badge tone="info" live>running</Badge>}
        {call.duration && <span className="text-xs text-muted tabular-nums">{seconds(milliseconds(call.duration))}</span>}
        <Icon name="down" width={15} height={15} className="ml-auto text-muted group-open:rotate-180" />
      </summary>
      <div className="grid gap-3 border-t px-3 py-3 text-sm">
        <Json title="Arguments" value={call.arguments} />
        {changes.length > 0 && (
          <div>
            <p className="mb-1 text-xs font-medium text-muted">Steps</p>
            <ol className="grid gap-1 font-mono text-xs">
              {changes.map((change, index) => (
                <li key={index} className="break-words">
                  {change.removed ? `removed ${change.path}` : `${change.path} = ${JSON.stringify(change.value)}`}
                </li>
              ))}
            </ol>
          </div>
        )}
        {call.outcome && <Json title="Result" value={call.result} />}
      </div>
    </details>
  );
}

export function Json({ title, value }: { title: string; value: unknown }) {
  const text = typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "null");
  return (
    <div>
      <p className="mb-1 text-xs font-medium text-muted">{title}</p>
      <pre tabIndex={0} aria-label={title} className="max-h-64 overflow-auto rounded-md bg-sunken px-2.5 py-2 font-mono text-xs whitespace-pre-wrap">
        {text}
      </pre>
    </div>
  );
}

const TONES = { plain: "text-muted", move: "text-accent", warn: "text-warn", bad: "text-bad" } as const;

function NoteView({ note, at }: { note: Note; at: string }) {
  return (
    <div className={`flex gap-2.5 px-1 text-[13px] ${TONES[note.tone]}`}>
      <Icon name={note.icon} width={15} height={15} className="mt-0.5" />
      <div className="min-w-0">
        {note.text}
        {note.detail && <span className="block text-muted">{note.detail}</span>}
      </div>
      <time dateTime={at} className="ml-auto shrink-0 text-xs text-muted tabular-nums">
        {timeOfDay(at)}
      </time>
    </div>
  );
}

/** Reads the newest complete entry to screen readers while the call is live; partial words would interrupt each other. */
function Announcer({ story, isLive }: { story: readonly Entry[]; isLive: boolean }) {
  const last = story.findLast((entry) => entry.kind !== "TURN" || !entry.turn.partial);
  return (
    <p role="log" className="sr-only">
      {isLive && last && spokenText(last)}
    </p>
  );
}

function spokenText(entry: Entry): string {
  if (entry.kind === "NOTE") return entry.note.text;
  if (entry.kind === "TOOL") return `Tool ${entry.call.tool} ${entry.call.outcome ? (OUTCOMES[entry.call.outcome]?.label ?? "") : "runs"}`;
  return `${entry.turn.speaker === "CALLER" ? "Caller" : (entry.turn.agent ?? "Agent")}: ${entry.turn.text}`;
}
