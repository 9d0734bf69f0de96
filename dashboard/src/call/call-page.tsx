"use client";

import { Link } from "@/ui/link";
import type { LiveCallState } from "agent-studio-client";
import { useLiveCall, useStudio } from "agent-studio-client/react";
import { Tabs } from "radix-ui";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useRead } from "@/data/use-read";
import { CallDocument, CallFiguresDocument, type EndReason } from "@/gql/call";
import { EndCallDocument } from "@/gql/end-call";
import { clock, milliseconds, moment } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useNow } from "@/data/use-now";
import { useQueryString } from "@/data/use-query-string";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { BLAMES, reasonOf, stateOf, toneOfBlame } from "@/data/words";
import { Ask, type Question } from "@/ui/ask";
import { Badge } from "@/ui/badge";
import { Button, buttonClass } from "@/ui/button";
import { Icon } from "@/ui/icons";
import { Empty, Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { MakeSimulation } from "@/workflows/simulation-dialog";
import { Composer } from "./composer";
import { Conversation } from "./conversation";
import { ContextPanel } from "./context";
import { FigurePanels, Given, Summary, type CallData } from "./details";
import { EventLog } from "./event-log";
import { RecordingPlayer, RecordingSkeleton, seek, useRecording } from "./sound";
import { spanAt, turnSpans } from "./turn-spans";
import { useConversation } from "./use-conversation";
import { JoinByVoice } from "./voice";
import { Latency } from "./waterfall";

export function CallPage() {
  useTitle("Call");
  const [query] = useQueryString();
  const id = query.get("id") ?? "";
  const [{ data, error }, execute] = useRead({ query: CallDocument, variables: { id }, pause: !id, requestPolicy: "cache-and-network" });
  const again = useCallback(() => execute({ requestPolicy: "network-only" }), [execute]);
  // While another call is read, urql still has the one before.
  if (data?.call?.id === id) return <CallView key={id} call={data.call} onStateChanged={again} />;
  return (
    <>
      <Back />
      <h1 className="sr-only">Call</h1>
      {error ? <Failed problem={problemOf(error)} onRetry={again} /> : id && (!data || data.call) ? <CallSkeleton /> : <NoCall />}
    </>
  );
}

const Back = () => (
  <Link href="/calls/" className="inline-flex min-h-7 items-center gap-1 text-sm text-muted hover:text-text">
    <Icon name="left" width={15} height={15} />
    Calls
  </Link>
);

function NoCall() {
  return (
    <Empty icon="calls" title="There is no such call">
      <p>It has been deleted, or it belongs to another tenant.</p>
      <p className="mt-4">
        <Link href="/calls/" className={buttonClass("primary")}>
          Show all calls
        </Link>
      </p>
    </Empty>
  );
}

function CallSkeleton() {
  return (
    <Loading what="the call">
      <Skeleton className="mt-2 h-7 w-72" />
      <Skeleton className="mt-1.5 h-6 w-40" />
      <div className="mt-5 grid gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <Skeleton className="h-[28rem] w-full" />
        <Skeleton className="hidden h-[28rem] w-full xl:block" />
      </div>
    </Loading>
  );
}

/** The page of a call: the log is followed while the call is live, and read afterwards, in the same way. */
function CallView({ call, onStateChanged }: { call: CallData; onStateChanged(): void }) {
  const live = useLiveCall(call.id);
  const { ended } = live;
  const state = live.state ?? call.state;
  const isLive = !ended && !call.endedAt;
  const now = useNow(isLive && call.answeredAt !== null);
  const { story, send } = useConversation(live);
  const figures = useFigures(call.id, isLive);
  const { recording, problem, renew } = useRecording(call.id, isLive);
  const audio = useRef<HTMLAudioElement>(null);
  const [position, setPosition] = useState<number | null>(null);
  const isPlayable = Boolean(recording?.url);
  const spans = useMemo(() => (isPlayable && recording ? turnSpans(story, recording.startedAt) : []), [story, isPlayable, recording]);
  const play = (key: string) => {
    const span = spans.find((each) => each.key === key);
    if (!span) return;
    seek(audio.current, span.from);
    // Refused when the sound cannot be loaded, which the player shows.
    audio.current?.play().catch(() => undefined);
  };
  const [{ tab, event, point }, show] = useShown();

  // The log is ahead of the row: read again what only the row has, such as times and cost.
  const isBehind = !call.endedAt && state !== call.state;
  useEffect(() => {
    if (isBehind) onStateChanged();
  }, [isBehind, state, onStateChanged]);

  const length = ended ? milliseconds(ended.duration) : call.duration ? milliseconds(call.duration) : call.answeredAt ? now - Date.parse(call.answeredAt) : null;
  return (
    <>
      <Back />
      <Header call={call} state={state} isLive={isLive} length={length} agent={live.agent} reason={ended?.reason ?? call.endReason} />
      <Outcome call={call} live={live} />
      {recording && <RecordingPlayer recording={recording} audio={audio} position={position} onPosition={setPosition} onExpired={renew} />}
      {!recording && call.recording?.state === "READY" && <RecordingSkeleton problem={problem} />}
      <div className="mt-5 grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="min-w-0 rounded-xl border bg-surface shadow-soft">
          <Tabs.Root value={tab} onValueChange={(value) => show({ tab: value })}>
            <Tabs.List aria-label="Parts of the call" className="flex gap-1 border-b px-2">
              {TABS.map(([value, title]) => (
                <Tabs.Trigger
                  key={value}
                  value={value}
                  className="-mb-px h-11 border-b-2 border-transparent px-3 text-sm font-medium text-muted hover:text-text
                    data-[state=active]:border-accent data-[state=active]:text-text focus-visible:-outline-offset-4"
                >
                  {title}
                </Tabs.Trigger>
              ))}
            </Tabs.List>
            <Tabs.Content value="conversation" tabIndex={-1}>
              {live.status === "CONNECTING" && story.length === 0 ? (
                <TranscriptSkeleton />
              ) : (
                <Conversation
                  story={story}
                  isLive={isLive}
                  heard={position === null ? undefined : spanAt(spans, position)?.key}
                  onPlay={isPlayable ? play : undefined}
                >
                  {isLive && call.kind === "TEXT" && <Composer send={send} />}
                </Conversation>
              )}
            </Tabs.Content>
            <Tabs.Content value="latency" tabIndex={-1}>
              <Latency story={story} isLive={isLive} />
            </Tabs.Content>
            <Tabs.Content value="log" tabIndex={-1}>
              <EventLog
                events={live.events}
                isLive={isLive}
                chosen={event}
                onChoose={(seq) => show({ event: seq })}
                onShowContext={(seq) => show({ point: seq })}
              />
            </Tabs.Content>
          </Tabs.Root>
        </div>
        <div className="grid min-w-0 gap-4">
          <Summary call={call} length={length} />
          <FigurePanels figures={figures.data} problem={figures.problem} />
          <ContextPanel events={live.events} point={point} onMove={(seq) => show({ point: seq })} />
          <Given title="Facts about the caller" value={call.userContext} />
          <Given title="Metadata" value={call.metadata} />
        </div>
      </div>
    </>
  );
}

const TABS = [
  ["conversation", "Conversation"],
  ["latency", "Latency"],
  ["log", "Event log"],
] as const;

interface Shown {
  readonly tab: string;
  /** Number of the event that is chosen in the log. */
  readonly event: number | null;
  /** Number of the event after which the context is shown. */
  readonly point: number | null;
}

const shownOf = (query: URLSearchParams): Shown => ({
  tab: TABS.find(([value]) => value === query.get("tab"))?.[0] ?? TABS[0][0],
  event: Number(query.get("event")) || null,
  point: Number(query.get("point")) || null,
});

/** Browsers refuse to change the address a hundred times in a few seconds, as a slider would. */
const ADDRESS_AFTER_MS = 300;

/** The parts of the page that are shown. They are in the address, but changing them is no step of the history. */
function useShown(): readonly [Shown, (change: Partial<Shown>) => void] {
  const [query] = useQueryString();
  const [shown, setShown] = useState(() => shownOf(query));
  useEffect(() => {
    const timer = setTimeout(() => {
      const before = new URLSearchParams(window.location.search);
      const next = new URLSearchParams(before);
      for (const [name, value] of Object.entries(shown)) {
        if (value === null || value === TABS[0][0]) next.delete(name);
        else next.set(name, `${value}`);
      }
      if (`${next}` !== `${before}`) window.history.replaceState(null, "", `?${next}`);
    }, ADDRESS_AFTER_MS);
    return () => clearTimeout(timer);
  }, [shown]);
  const show = useCallback((change: Partial<Shown>) => setShown((before) => ({ ...before, ...change })), []);
  return [shown, show];
}

const FIGURES_EVERY_MS = 10_000;

/** Cost and latency read the whole log, so they are requested seldom while the call is live, and once when it is over. */
function useFigures(id: string, isLive: boolean) {
  const [{ data, error }, again] = useRead({ query: CallFiguresDocument, variables: { id }, requestPolicy: "cache-and-network" });
  const wasLive = useRef(isLive);
  useEffect(() => {
    const load = () => again({ requestPolicy: "network-only" });
    if (wasLive.current && !isLive) load();
    wasLive.current = isLive;
    if (!isLive) return;
    const timer = setInterval(load, FIGURES_EVERY_MS);
    return () => clearInterval(timer);
  }, [isLive, again]);
  const call = data?.call;
  // When the log cannot be read, the cache has the call without what is computed from the log.
  return { data: call?.usage && call, problem: error && problemOf(error) };
}

interface HeaderProps {
  call: CallData;
  state: CallData["state"];
  isLive: boolean;
  length: number | null;
  agent: string | null;
  reason: EndReason | null;
}

function Header({ call, state, isLive, length, agent, reason }: HeaderProps) {
  const { label, tone } = stateOf(state);
  const mayControl = useMay("CALLS_WRITE");
  return (
    <div className="mt-2 flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
      <div className="min-w-0">
        <h1 className="truncate text-xl font-semibold tracking-tight">
          {call.workflow?.name ?? "Deleted workflow"}
          <span className="font-normal text-muted"> · {call.phoneNumber ?? call.userId ?? moment(call.createdAt)}</span>
        </h1>
        <p className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
          <Badge tone={tone} live={isLive}>
            {label}
          </Badge>
          {length !== null && <span className="tabular-nums">{clock(length)}</span>}
          {isLive && agent && <span>with {agent}</span>}
          {reason && <span>{reasonOf(reason).label}</span>}
        </p>
      </div>
      {!isLive && <MakeSimulation callId={call.id} workflow={call.workflow?.slug ?? null} />}
      {isLive && mayControl && (
        <div className="flex flex-wrap items-center gap-2">
          {call.kind === "VOIP" && <JoinByVoice callId={call.id} />}
          <EndCall id={call.id} />
        </div>
      )}
    </div>
  );
}

function EndCall({ id }: { id: string }) {
  const studio = useStudio();
  const [isAsking, setAsking] = useState(false);
  const question: Question = {
    title: "End this call?",
    description: "The agent stops at once, and the caller is disconnected. The log says that an operator ended the call.",
    confirm: "End the call",
    run: () => studio.mutate(EndCallDocument, { input: { callId: id } }),
  };
  return (
    <>
      <Button kind="danger" icon="stop" onClick={() => setAsking(true)}>
        End the call
      </Button>
      <Ask question={isAsking ? question : null} onClose={() => setAsking(false)} />
    </>
  );
}

/** What went wrong, before everything else. */
function Outcome({ call, live }: { call: CallData; live: LiveCallState }) {
  const reason = live.ended?.reason ?? call.endReason;
  const blame = live.ended?.blame ?? call.blame;
  if (live.status === "FAILED" && live.error) {
    return (
      <div className="mt-4">
        <Notice tone="bad">The events of the call cannot be followed: {live.error.message}</Notice>
      </div>
    );
  }
  if (!reason || !blame || toneOfBlame(blame) !== "bad") return null;
  return (
    <div className="mt-4">
      <Notice tone="bad">
        {reasonOf(reason).text} Cause: {(BLAMES[blame] ?? blame).toLowerCase()}.
      </Notice>
    </div>
  );
}

function TranscriptSkeleton() {
  return (
    <Loading what="the conversation">
      <div className="grid gap-4 p-5">
        {["w-2/3", "ml-auto w-1/2", "w-3/5", "ml-auto w-2/5"].map((width) => (
          <Skeleton key={width} className={`h-10 ${width}`} />
        ))}
      </div>
    </Loading>
  );
}
