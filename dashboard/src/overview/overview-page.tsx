"use client";

import Link from "next/link";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useQuery, useSubscription } from "urql";
import { LiveCallsDocument, type LiveCallsSubscription } from "@/gql/calls";
import { OverviewDocument, VoiceLatencyDocument, WorkersDocument, type Blame, type EndReason, type OverviewQuery } from "@/gql/overview";
import { lengthOf, type CallRow } from "@/calls/columns";
import { SNAPSHOT_SIZE, withUpdate, type LiveRows } from "@/calls/live-rows";
import { clock, count, figure, milliseconds, moment, money, seconds } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useNow } from "@/data/use-now";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { BLAMES, budgetName, plain, reasonOf, stateOf, toneOfBlame } from "@/data/words";
import { StartCall } from "@/shell/start-call";
import { Badge } from "@/ui/badge";
import { Icon } from "@/ui/icons";
import { Meter } from "@/ui/meter";
import { PageHeader } from "@/ui/page-header";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { byBlame, byReason, costOf, isFault, useDay, type Day, type DayCall } from "./day";
import { FirstSteps } from "./first-steps";

const REFRESH_MS = 60_000;
const DAY_MS = 86_400_000;

/** Counts up once a minute while the page can be seen. */
function useTick(): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") setTick((before) => before + 1);
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return tick;
}

/** Read again with each tick after the first. */
function useAgain(again: (options: { requestPolicy: "network-only" }) => void, tick: number) {
  const read = useRef(again);
  read.current = again;
  useEffect(() => {
    if (tick) read.current({ requestPolicy: "network-only" });
  }, [tick]);
}

/** Today as the filter of the list reads it: `2026-11-30`. */
const localDay = () => new Date().toLocaleDateString("sv");

function spanOf(now: Date) {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const since = midnight.toISOString();
  const before = { since: new Date(midnight.getFullYear(), midnight.getMonth(), midnight.getDate() - 1).toISOString(), until: new Date(now.getTime() - DAY_MS).toISOString() };
  return { since, today: { created: { since } }, yesterday: { created: before } };
}

export function OverviewPage() {
  useTitle("Overview");
  const tick = useTick();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a tick is a new minute
  const { since, today, yesterday } = useMemo(() => spanOf(new Date()), [tick]);
  const [{ data, error, stale }, again] = useQuery({ query: OverviewDocument, variables: { today, yesterday }, requestPolicy: "cache-and-network" });
  const [shown, setShown] = useState<OverviewQuery>();
  useEffect(() => {
    if (data && !stale) setShown(data);
  }, [data, stale]);
  const day = useDay(since, tick);
  const overview = data ?? shown;
  const live = useLiveRows();

  if (error && !overview) {
    return (
      <>
        <PageHeader title="Overview" />
        <Failed problem={problemOf(error)} onRetry={() => again({ requestPolicy: "network-only" })} />
      </>
    );
  }
  const isNew = overview && overview.any?.edges.length === 0;
  return (
    <>
      <PageHeader title="Overview">
        <StartCall kind="primary" />
      </PageHeader>
      {isNew && <FirstSteps />}
      <Attention overview={overview} tick={tick} />
      <Figures overview={overview} day={day} live={live} tick={tick} />
      <div className="mt-5 grid items-start gap-5 lg:grid-cols-2">
        <div className="grid min-w-0 gap-5">
          <LiveCalls live={live} />
          <Budgets overview={overview} />
        </div>
        <div className="grid min-w-0 gap-5">
          <Ends day={day} />
          <Faults day={day} />
        </div>
      </div>
    </>
  );
}

function Panel({ title, more, children }: { title: string; more?: ReactNode; children: ReactNode }) {
  return (
    <section className="min-w-0 rounded-xl border bg-surface p-5 shadow-soft">
      <div className="mb-4 flex items-baseline justify-between gap-4">
        <h2 className="text-sm font-semibold">{title}</h2>
        {more}
      </div>
      {children}
    </section>
  );
}

const More = ({ href, children }: { href: string; children: ReactNode }) => (
  <Link href={href} prefetch={false} className="inline-flex min-h-6 items-center text-sm text-accent underline">
    {children}
  </Link>
);

function Figure({ title, value, note, href }: { title: string; value: string | null | undefined; note?: ReactNode; href?: string }) {
  return (
    <div className="relative rounded-xl border bg-surface p-4 shadow-soft">
      <h2 className="text-sm text-muted">
        {href ? (
          <Link href={href} prefetch={false} className="inline-block min-h-6 after:absolute after:inset-0 after:rounded-xl hover:text-text">
            {title}
          </Link>
        ) : (
          <span className="inline-block min-h-6">{title}</span>
        )}
      </h2>
      <p className="mt-1 flex h-8 items-center text-2xl font-semibold tabular-nums">{value === undefined ? <Skeleton className="h-6 w-16" /> : (value ?? "–")}</p>
      <p className="mt-1 h-5 truncate text-xs text-muted">{note}</p>
    </div>
  );
}

interface Parts {
  overview: OverviewQuery | undefined;
  day: Day | null | undefined;
}

type Live = readonly CallRow[] | undefined;

const LIVE = { live: true } as const;

function useLiveRows(): Live {
  const [{ data }] = useSubscription<LiveCallsSubscription, LiveRows, { filter: typeof LIVE }>({ query: LiveCallsDocument, variables: { filter: LIVE } }, withUpdate);
  return useMemo(() => data && [...data.byId.values()].filter((call) => call !== null).sort((a, b) => b.createdAt.localeCompare(a.createdAt)), [data]);
}

function Figures({ overview, day, live, tick }: Parts & { live: Live; tick: number }) {
  const counted = (part: { totalCount: { value: number; isEstimate: boolean } } | null | undefined) =>
    part && `${part.totalCount.isEstimate ? "≈ " : ""}${count(part.totalCount.value)}`;
  const today = overview?.today;
  const before = counted(overview?.yesterday);
  const faults = day?.calls.filter(isFault).length;
  const ended = day?.calls.filter(({ endReason }) => endReason !== null).length ?? 0;
  const first = useFirstAudio(tick);
  return (
    <div className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-5">
      <Figure title="Live now" value={live && `${count(live.length)}${live.length >= SNAPSHOT_SIZE ? "+" : ""}`} href="/calls/?live=true" note="calls in progress" />
      <Figure title="Calls today" value={overview && counted(today)} href={`/calls/?since=${localDay()}`} note={before && `${before} yesterday by this time`} />
      <Figure
        title="Failed today"
        value={day === null ? undefined : day && count(faults ?? 0)}
        href={`/calls/?blame=PLATFORM,PROVIDER,CARRIER,CONFIG&since=${localDay()}`}
        note={ended > 0 && `${((100 * (faults ?? 0)) / ended).toFixed(1)} % of ${count(ended)} ended`}
      />
      <Figure
        title="Cost today"
        value={day === null ? undefined : day && money(String(costOf(day.calls)))}
        href={`/calls/?sort=cost&since=${localDay()}`}
        note={day && !day.isComplete ? "of the newest 1,000 calls" : "estimated"}
      />
      <Figure title="First audio" value={first.value} note={first.note} />
    </div>
  );
}

/** Of the newest 20 voice calls: the API has no figure over many calls yet. */
function useFirstAudio(tick: number): { value: string | null | undefined; note: string } {
  const [{ data, fetching }, again] = useQuery({ query: VoiceLatencyDocument });
  useAgain(again, tick);
  if (!data && fetching) return { value: undefined, note: "" };
  const measured = data?.calls?.edges.flatMap(({ node }) => node.latency?.firstAudio ?? []) ?? [];
  if (!measured.length) return { value: null, note: "no voice call was measured" };
  const median = (name: "p50" | "p95") => {
    const sorted = measured.map((each) => milliseconds(each[name])).sort((a, b) => a - b);
    return seconds(sorted[Math.floor(sorted.length / 2)] ?? 0);
  };
  const calls = measured.length === 1 ? "the last voice call" : `the last ${measured.length} voice calls`;
  return { value: median("p50"), note: `median; p95 ${median("p95")}; ${calls}` };
}

const SHOWN_LIVE = 8;

function LiveCalls({ live }: { live: Live }) {
  const now = useNow((live?.length ?? 0) > 0);
  return (
    <Panel title="Live calls" more={<More href="/calls/?live=true">All live calls</More>}>
      {!live && (
        <Loading what="live calls">
          <Skeleton className="h-24 w-full" />
        </Loading>
      )}
      {live?.length === 0 && <p className="text-sm text-muted">No call is in progress. The next one appears here by itself.</p>}
      <ul className="-mx-2">
        {live?.slice(0, SHOWN_LIVE).map((call) => {
          const length = lengthOf(call, now);
          const { label, tone } = stateOf(call.state);
          return (
            <li key={call.id}>
              <Link
                href={`/call/?id=${encodeURIComponent(call.id)}`}
                prefetch={false}
                className="flex min-h-10 items-center gap-3 rounded-md px-2 text-sm hover:bg-hover"
              >
                <Badge tone={tone} live>
                  {label}
                </Badge>
                <span className="min-w-0 truncate font-medium">{call.workflow?.name ?? "Deleted workflow"}</span>
                <span className="min-w-0 truncate text-muted">{call.activeNode}</span>
                <span className="ml-auto text-muted tabular-nums">{length === null ? "" : clock(length)}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

interface BarItem {
  readonly key: string;
  readonly label: string;
  readonly count: number;
  readonly isBad: boolean;
  readonly href: string;
}

function Bars({ title, items }: { title: string; items: readonly BarItem[] }) {
  const most = Math.max(1, ...items.map((item) => item.count));
  return (
    <div>
      <h3 className="mb-2 text-xs font-medium text-muted">{title}</h3>
      <ul className="grid gap-1">
        {items.map((item) => (
          <li key={item.key}>
            <Link href={item.href} prefetch={false} className="grid min-h-7 grid-cols-[10.5rem_1fr_3rem] items-center gap-3 rounded-md text-sm hover:bg-hover">
              <span className="truncate">{item.label}</span>
              <span className="h-2 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
                <span className={`block h-full rounded-full ${item.isBad ? "bg-bad" : "bg-accent"}`} style={{ width: `${(100 * item.count) / most}%` }} />
              </span>
              <span className="text-right tabular-nums">{count(item.count)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

const SHOWN_REASONS = 6;

function Ends({ day }: { day: Day | null | undefined }) {
  const badReasons = useMemo(() => new Set(day?.calls.filter(isFault).map(({ endReason }) => endReason)), [day]);
  const reasons = day ? byReason(day.calls) : [];
  const blames = day ? byBlame(day.calls) : [];
  return (
    <Panel title="How calls ended today">
      {day === null && <Skeleton className="h-40 w-full" />}
      {day === undefined && <p className="text-sm text-muted">The calls of today could not be loaded.</p>}
      {day && reasons.length === 0 && <p className="text-sm text-muted">No call has ended today.</p>}
      {reasons.length > 0 && (
        <div className="grid gap-5">
          <Bars
            title="By reason"
            items={reasons.slice(0, SHOWN_REASONS).map(({ name, count }) => ({
              key: name,
              label: reasonOf(name satisfies EndReason).label,
              count,
              isBad: badReasons.has(name),
              href: `/calls/?reason=${name}&since=${localDay()}`,
            }))}
          />
          <Bars
            title="Caused by"
            items={blames.map(({ name, count }) => ({
              key: name,
              label: BLAMES[name satisfies Blame] ?? plain(name),
              count,
              isBad: toneOfBlame(name) === "bad",
              href: `/calls/?blame=${name}&since=${localDay()}`,
            }))}
          />
        </div>
      )}
      {day && !day.isComplete && <p className="mt-3 text-xs text-muted">Counted over the newest 1,000 calls of today.</p>}
    </Panel>
  );
}

const ALWAYS_SHOWN: readonly string[] = ["CONCURRENT_CALLS", "MINUTES_PER_MONTH", "SPEND_PER_MONTH", "STORAGE_MEGABYTES"];

function Budgets({ overview }: Pick<Parts, "overview">) {
  const levels = overview?.viewer?.limits;
  // The other quotas protect the installation and matter only when they are nearly used up.
  const shown = levels?.filter(({ budget, isNear }) => isNear || ALWAYS_SHOWN.includes(budget)) ?? [];
  return (
    <Panel title="Budgets and quotas">
      {!levels && <Skeleton className="h-40 w-full" />}
      <ul className="grid gap-3.5">
        {shown.map(({ budget, used, limit, isNear, isExhausted, resetsAt }) => (
          <li key={budget}>
            <Meter
              label={budgetName(budget)}
              value={`${figure(used)} ${limit === null ? "· no limit" : `of ${figure(limit)}`}`}
              used={used}
              limit={limit}
              note={resetsAt && (isNear || isExhausted) && `Resets ${moment(resetsAt)}`}
            />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const SHOWN_FAULTS = 6;

function Faults({ day }: { day: Day | null | undefined }) {
  const faults: readonly DayCall[] = day?.calls.filter(isFault) ?? [];
  return (
    <Panel title="Failed today" more={<More href="/calls/?blame=PLATFORM,PROVIDER,CARRIER,CONFIG">All failed calls</More>}>
      {day === null && <Skeleton className="h-24 w-full" />}
      {day && faults.length === 0 && <p className="text-sm text-muted">No call of today failed.</p>}
      <ul className="-mx-2">
        {faults.slice(0, SHOWN_FAULTS).map((call) => (
          <li key={call.id}>
            <Link
              href={`/call/?id=${encodeURIComponent(call.id)}`}
              prefetch={false}
              className="flex min-h-10 items-center gap-3 rounded-md px-2 text-sm hover:bg-hover"
            >
              <Icon name="warning" width={16} height={16} className="text-bad" />
              <span className="min-w-0 truncate">{call.endReason && reasonOf(call.endReason).label}</span>
              <span className="min-w-0 truncate text-muted">{call.workflow?.name}</span>
              <span className="ml-auto shrink-0 text-muted tabular-nums">{moment(call.createdAt)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const LONG_WAIT_MS = 5_000;

/** What has to be attended to, most urgent first. Nothing is shown when there is nothing. */
function Attention({ overview, tick }: Pick<Parts, "overview"> & { tick: number }) {
  const maySeeWorkers = useMay("WORKERS_READ");
  const [{ data }, again] = useQuery({ query: WorkersDocument, pause: !maySeeWorkers, requestPolicy: "cache-and-network" });
  useAgain(again, maySeeWorkers ? tick : 0);
  const pool = data?.workerPool;
  const limits = overview?.viewer?.limits ?? [];
  const waits = pool?.waitingSince ? Date.now() - Date.parse(pool.waitingSince) : 0;
  const items: { tone: "bad" | "warn"; text: string }[] = [];
  if (pool && pool.workers.length === 0) items.push({ tone: "bad", text: "No worker is running, so no call can be answered. Start one, or look at ./studio status." });
  else if (pool && waits > LONG_WAIT_MS) items.push({ tone: "bad", text: `${count(pool.waiting.value)} calls wait for a worker, the first one for ${clock(waits)}. Add workers.` });
  for (const { budget, isExhausted, isNear } of limits) {
    if (isExhausted) items.push({ tone: "bad", text: `${budgetName(budget)}: the limit is reached, and more is refused.` });
    else if (isNear) items.push({ tone: "warn", text: `${budgetName(budget)}: more than four fifths are used.` });
  }
  if (!items.length) return null;
  return (
    <section aria-label="Needs attention" className="mb-5 grid gap-2">
      {items.map(({ tone, text }) => (
        <Notice key={text} tone={tone}>
          {text}
        </Notice>
      ))}
    </section>
  );
}
