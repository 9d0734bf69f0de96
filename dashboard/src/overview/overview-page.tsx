"use client";

import { Link } from "@/ui/link";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { useQuery, useSubscription } from "urql";
import { LiveCallsDocument, type LiveCallsSubscription } from "@/gql/calls";
import { FailedCallsDocument, OverviewDocument, WorkersDocument, type Blame, type EndReason, type OverviewQuery } from "@/gql/overview";
import { lengthOf, type CallRow } from "@/calls/columns";
import { SNAPSHOT_SIZE, withUpdate, type LiveRows } from "@/calls/live-rows";
import { clock, count, dayBefore, milliseconds, moment, money, seconds } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useRead } from "@/data/use-read";
import { useNow } from "@/data/use-now";
import { useTitle } from "@/data/use-title";
import { useMay } from "@/data/viewer";
import { BLAMES, plain, reasonOf, stateOf, toneOfBlame } from "@/data/words";
import { BudgetLevels, warningOf } from "@/limits/budget-levels";
import { StartCall } from "@/shell/start-call";
import { Badge } from "@/ui/badge";
import { Icon } from "@/ui/icons";
import { PageHeader } from "@/ui/page-header";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { FirstSteps } from "./first-steps";
import { FAULTS, isFault, sharesOf, sumOf, type Statistics } from "./statistics";

const REFRESH_MS = 60_000;

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
  const today = { since: midnight.toISOString() };
  return { today, yesterday: { since: dayBefore(midnight).toISOString(), until: dayBefore(now).toISOString() } };
}

export function OverviewPage() {
  useTitle("Overview");
  const tick = useTick();
  // eslint-disable-next-line react-hooks/exhaustive-deps -- a tick is a new minute
  const { today, yesterday } = useMemo(() => spanOf(new Date()), [tick]);
  const [{ data, error, stale }, again] = useQuery({ query: OverviewDocument, variables: { today, yesterday }, requestPolicy: "cache-and-network" });
  const [shown, setShown] = useState<OverviewQuery>();
  useEffect(() => {
    if (data && !stale) setShown(data);
  }, [data, stale]);
  const overview = data ?? shown;
  // Undefined while it is loading, null when only this part failed.
  const day = overview && overview.today;
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
      <Figures overview={overview} day={day} live={live} />
      <div className="mt-5 grid items-start gap-5 lg:grid-cols-2">
        <div className="grid min-w-0 gap-5">
          <LiveCalls live={live} />
          <Budgets overview={overview} />
        </div>
        <div className="grid min-w-0 gap-5">
          <Ends day={day} since={today.since} />
          <Faults since={today.since} tick={tick} />
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
  <Link href={href} className="inline-flex min-h-6 items-center text-sm text-accent underline">
    {children}
  </Link>
);

function Figure({ title, value, note, href }: { title: string; value: string | null | undefined; note?: ReactNode; href?: string }) {
  return (
    <div className="relative rounded-xl border bg-surface p-4 shadow-soft">
      <h2 className="text-sm text-muted">
        {href ? (
          <Link href={href} className="inline-block min-h-6 after:absolute after:inset-0 after:rounded-xl hover:text-text">
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
  day: Statistics | null | undefined;
}

type Live = readonly CallRow[] | undefined;

const LIVE = { live: true } as const;

/** Without the calls that left the list: they are not on a page from which they would have to be taken. */
function withLiveUpdate(before: LiveRows | undefined, update: LiveCallsSubscription): LiveRows {
  return { byId: new Map([...withUpdate(before, update).byId].filter(([, call]) => call !== null)) };
}

function useLiveRows(): Live {
  const [{ data }] = useSubscription<LiveCallsSubscription, LiveRows, { filter: typeof LIVE }>({ query: LiveCallsDocument, variables: { filter: LIVE } }, withLiveUpdate);
  return useMemo(() => data && [...data.byId.values()].filter((call) => call !== null).sort((a, b) => b.createdAt.localeCompare(a.createdAt)), [data]);
}

const FAULT_FILTER = `blame=${FAULTS.join(",")}`;

function Figures({ overview, day, live }: Parts & { live: Live }) {
  const before = overview?.yesterday;
  const faults = day ? sumOf(day.groups.filter(isFault)) : 0;
  const ended = day ? sumOf(day.groups.filter(({ endReason }) => endReason !== null)) : 0;
  const first = day?.firstAudio;
  return (
    <div className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-5">
      <Figure title="Live now" value={live && `${count(live.length)}${live.length >= SNAPSHOT_SIZE ? "+" : ""}`} href="/calls/?live=true" note="calls in progress" />
      <Figure
        title="Calls today"
        value={day && count(day.calls)}
        href={`/calls/?since=${localDay()}`}
        note={before && `${count(before.calls)} yesterday by now`}
      />
      <Figure
        title="Failed today"
        value={day && count(faults)}
        href={`/calls/?${FAULT_FILTER}&since=${localDay()}`}
        note={ended > 0 && `${((100 * faults) / ended).toFixed(1)} % of ${count(ended)} ended`}
      />
      <Figure
        title="Cost today"
        value={day && money(day.cost)}
        href={`/calls/?sort=cost&since=${localDay()}`}
        note={before && `${money(before.cost)} yesterday by now`}
      />
      <Figure
        title="Median first audio"
        value={day && (first ? seconds(milliseconds(first.p50)) : null)}
        note={first ? `p95 ${seconds(milliseconds(first.p95))}, ${count(first.turns)} replies` : day && "no voice call today"}
      />
    </div>
  );
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
            <Link href={item.href} className="grid min-h-7 grid-cols-[10.5rem_1fr_3rem] items-center gap-3 rounded-md text-sm hover:bg-hover">
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

function Ends({ day, since }: { day: Statistics | null | undefined; since: string }) {
  const groups = day?.groups ?? [];
  const badReasons = new Set(groups.filter(isFault).map(({ endReason }) => endReason));
  const reasons = sharesOf<EndReason>(groups, ({ endReason }) => endReason);
  const blames = sharesOf<Blame>(groups, ({ blame }) => blame);
  return (
    <Panel title="How calls ended today">
      {day === undefined && <Skeleton className="h-40 w-full" />}
      {day === null && <p className="text-sm text-muted">The calls of today could not be counted.</p>}
      {day && reasons.length === 0 && <p className="text-sm text-muted">No call has ended today.</p>}
      {reasons.length > 0 && (
        <div className="grid gap-5">
          <Bars
            title="By reason"
            items={reasons.slice(0, SHOWN_REASONS).map(({ name, count }) => ({
              key: name,
              label: reasonOf(name).label,
              count,
              isBad: badReasons.has(name),
              href: `/calls/?reason=${name}&since=${localDay()}`,
            }))}
          />
          <Bars
            title="Caused by"
            items={blames.map(({ name, count }) => ({
              key: name,
              label: BLAMES[name] ?? plain(name),
              count,
              isBad: toneOfBlame(name) === "bad",
              href: `/calls/?blame=${name}&since=${localDay()}`,
            }))}
          />
        </div>
      )}
      {day && <Counted since={day.since} today={since} />}
    </Panel>
  );
}

/** The API counts at most 100,000 calls that have ended: a day with more is counted from a later moment on. */
function Counted({ since, today }: { since: string; today: string }) {
  if (Date.parse(since) <= Date.parse(today)) return null;
  return <p className="mt-3 text-xs text-muted">Counted since {moment(since)}: there are too many calls for the whole day.</p>;
}

const ALWAYS_SHOWN: readonly string[] = ["CONCURRENT_CALLS", "MINUTES_PER_MONTH", "SPEND_PER_MONTH", "STORAGE_MEGABYTES"];

function Budgets({ overview }: Pick<Parts, "overview">) {
  const levels = overview?.viewer?.limits;
  // The other quotas protect the installation and matter only when they are nearly used up.
  const shown = levels?.filter(({ budget, isNear }) => isNear || ALWAYS_SHOWN.includes(budget)) ?? [];
  return (
    <Panel title="Budgets and quotas">
      {!levels && <Skeleton className="h-40 w-full" />}
      <BudgetLevels levels={shown} />
    </Panel>
  );
}

function Faults({ since, tick }: { since: string; tick: number }) {
  const filter = { blames: [...FAULTS], created: { since } };
  const [{ data, error }, again] = useRead({ query: FailedCallsDocument, variables: { filter }, requestPolicy: "cache-and-network" });
  useAgain(again, tick);
  const faults = data?.calls?.edges.map(({ node }) => node);
  return (
    <Panel title="Failed today" more={<More href={`/calls/?${FAULT_FILTER}`}>All failed calls</More>}>
      {!faults && !error && <Skeleton className="h-24 w-full" />}
      {!faults && error && <p className="text-sm text-muted">The failed calls could not be loaded.</p>}
      {faults?.length === 0 && <p className="text-sm text-muted">No call of today failed.</p>}
      <ul className="-mx-2">
        {faults?.map((call) => (
          <li key={call.id}>
            <Link
              href={`/call/?id=${encodeURIComponent(call.id)}`}
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
const ALMOST_FULL = 0.9;

/** The calls that the workers hold and can hold; zero for viewers who do not see the calls of other tenants. */
function loadOf(workers: readonly { capacity: number; calls: number | null }[]): readonly [held: number, room: number] {
  const known = workers.flatMap(({ capacity, calls }) => (calls === null ? [] : [[calls, capacity] as const]));
  return [known.reduce((sum, [calls]) => sum + calls, 0), known.reduce((sum, [, capacity]) => sum + capacity, 0)];
}

/** What has to be attended to, most urgent first. Nothing is shown when there is nothing. */
function Attention({ overview, tick }: Pick<Parts, "overview"> & { tick: number }) {
  const maySeeWorkers = useMay("WORKERS_READ");
  const [{ data }, again] = useQuery({ query: WorkersDocument, pause: !maySeeWorkers, requestPolicy: "cache-and-network" });
  useAgain(again, maySeeWorkers ? tick : 0);
  const pool = data?.workerPool;
  const limits = overview?.viewer?.limits ?? [];
  const waits = pool?.waitingSince ? Date.now() - Date.parse(pool.waitingSince) : 0;
  const items: { tone: "bad" | "warn"; text: string; href?: string }[] = [];
  if (pool && pool.workers.length === 0) items.push({ tone: "bad", text: "No worker is running, so no call can be answered. Start one, or look at ./studio status." });
  else if (pool && waits > LONG_WAIT_MS) items.push({ tone: "bad", text: `${count(pool.waiting.value)} calls wait for a worker, the first one for ${clock(waits)}. Add workers.` });
  const [held, room] = loadOf(pool?.workers ?? []);
  if (room > 0 && held >= ALMOST_FULL * room) {
    items.push({ tone: "warn", text: `The workers hold ${count(held)} of ${count(room)} calls. Add workers.` });
  }
  const byProviders = sumOf(overview?.today?.groups.filter(({ blame }) => blame === "PROVIDER") ?? []);
  if (byProviders > 0) {
    const text = `A provider ended ${byProviders === 1 ? "one call" : `${count(byProviders)} calls`} of today.`;
    items.push({ tone: "bad", text, href: `/calls/?blame=PROVIDER&since=${localDay()}` });
  }
  items.push(...limits.flatMap((level) => warningOf(level) ?? []));
  if (!items.length) return null;
  return (
    <section aria-label="Needs attention" className="mb-5 grid gap-2">
      {items.map(({ tone, text, href }) => (
        <Notice key={text} tone={tone}>
          {text}{" "}
          {href && (
            <Link href={href} className="underline">
              Show
            </Link>
          )}
        </Notice>
      ))}
    </section>
  );
}
