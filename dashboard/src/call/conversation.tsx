"use client";

import { useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { milliseconds, seconds, timeOfDay } from "@/data/format";
import { Button } from "@/ui/button";
import { Badge, type Tone } from "@/ui/badge";
import { Icon } from "@/ui/icons";
import type { Entry, Note, Spoken } from "./story";

/** Entries in the document at once: a call may have thousands. */
const SHOWN_AT_FIRST = 200;
const NEAR_PX = 60;

interface Props {
  story: readonly Entry[];
  isLive: boolean;
  children?: ReactNode;
}

/** The conversation. While the call is live it follows the end, until the reader scrolls up. */
export function Conversation({ story, isLive, children }: Props) {
  const [shown, setShown] = useState(SHOWN_AT_FIRST);
  const [isFollowing, setFollowing] = useState(isLive);
  const box = useRef<HTMLDivElement>(null);
  const visible = story.slice(-shown);
  const toEnd = () => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    if (isFollowing) toEnd();
  }, [story, isFollowing]);

  return (
    <div className="relative">
      <div
        ref={box}
        tabIndex={0}
        role="region"
        aria-label="Conversation"
        className="max-h-[max(24rem,calc(100dvh-19rem))] overflow-y-auto px-4 py-4 md:px-5"
        onScroll={({ currentTarget: { scrollHeight, clientHeight, scrollTop } }) =>
          isLive && setFollowing(scrollHeight - clientHeight - scrollTop < NEAR_PX)
        }
      >
        {visible.length < story.length && (
          <div className="mb-4 text-center">
            <Button kind="ghost" onClick={() => setShown(shown + SHOWN_AT_FIRST)}>
              Show earlier parts
            </Button>
          </div>
        )}
        <ol className="grid gap-3">
          {visible.map((entry) => (
            <li key={entry.key}>
              <EntryView entry={entry} />
            </li>
          ))}
        </ol>
      </div>
      {isLive && !isFollowing && (
        <Button icon="down" className="absolute bottom-3 left-1/2 -translate-x-1/2 shadow-large" onClick={() => setFollowing(true)}>
          Newest
        </Button>
      )}
      <Announcer story={story} isLive={isLive} />
      {children}
    </div>
  );
}

function EntryView({ entry }: { entry: Entry }) {
  if (entry.kind === "TURN") return <TurnView turn={entry.turn} at={entry.at} />;
  if (entry.kind === "TOOL") return <ToolView entry={entry} />;
  return <NoteView note={entry.note} at={entry.at} />;
}

function TurnView({ turn, at }: { turn: Spoken; at: string | null }) {
  const isCaller = turn.speaker === "CALLER";
  const name = isCaller ? "Caller" : (turn.agent ?? "Agent");
  const { measured } = turn;
  return (
    <div data-turn={name} className={`flex flex-col gap-1 ${isCaller ? "items-end" : "items-start"}`}>
      <p className="flex items-center gap-2 text-xs text-muted">
        <span className="font-medium">{name}</span>
        {at ? <time dateTime={at}>{timeOfDay(at)}</time> : <span>speaking…</span>}
        {measured && <span>{seconds(milliseconds(measured.firstAudio ?? measured.total))}</span>}
      </p>
      <div
        data-words
        className={`max-w-[85%] rounded-2xl px-3.5 py-2 text-sm whitespace-pre-wrap ${
          isCaller ? "rounded-tr-sm bg-accent-soft" : "rounded-tl-sm bg-sunken"
        } ${turn.partial ? "text-muted italic" : ""}`}
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

function ToolView({ entry: { call, changes } }: { entry: Extract<Entry, { kind: "TOOL" }> }) {
  const outcome = call.outcome ? (OUTCOMES[call.outcome] ?? { label: call.outcome, tone: "neutral" as const }) : null;
  return (
    <details className="group rounded-lg border">
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
