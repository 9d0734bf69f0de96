"use client";

// The calls of today, counted in the browser: the API answers how many match a filter, but does not group yet.

import { pages, RequestFailed } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import { useEffect, useState } from "react";
import { DayCallsDocument, type Blame, type DayCallsQuery, type EndReason } from "@/gql/overview";

export type DayCall = NonNullable<DayCallsQuery["calls"]>["edges"][number]["node"];

/** Ten requests. A day with more is shown by its newest calls, and the page says so. */
export const MAX_CALLS = 1000;

export interface Day {
  readonly calls: readonly DayCall[];
  readonly isComplete: boolean;
}

/** Null while it is loading, undefined when it failed. */
export function useDay(since: string, tick: number): Day | null | undefined {
  const studio = useStudio();
  const [day, setDay] = useState<Day | null | undefined>(null);
  useEffect(() => {
    const controller = new AbortController();
    load(controller.signal).then(setDay, (error: unknown) => {
      if (controller.signal.aborted) return;
      if (!(error instanceof RequestFailed)) throw error;
      setDay((shown) => shown ?? undefined);
    });
    return () => controller.abort();

    async function load(signal: AbortSignal): Promise<Day> {
      const calls: DayCall[] = [];
      const options = { select: (data: DayCallsQuery) => data.calls, pageSize: 100, signal };
      for await (const page of pages(studio, DayCallsDocument, { filter: { created: { since } } }, options)) {
        calls.push(...page.edges.map(({ node }) => node));
        if (calls.length >= MAX_CALLS) return { calls, isComplete: !page.pageInfo.hasNextPage };
      }
      return { calls, isComplete: true };
    }
  }, [studio, since, tick]);
  return day;
}

export interface Share<Name> {
  readonly name: Name;
  readonly count: number;
}

function shares<Name>(names: readonly (Name | null)[]): readonly Share<Name>[] {
  const counts = new Map<Name, number>();
  for (const name of names) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count);
}

export const byReason = (calls: readonly DayCall[]) => shares<EndReason>(calls.map(({ endReason }) => endReason));
export const byBlame = (calls: readonly DayCall[]) => shares<Blame>(calls.map(({ blame }) => blame));
export const costOf = (calls: readonly DayCall[]) => calls.reduce((sum, { totalCost }) => sum + Number(totalCost), 0);

const FAULTS: readonly Blame[] = ["PLATFORM", "PROVIDER", "CARRIER", "CONFIG"];
export const isFault = ({ blame }: DayCall) => blame !== null && FAULTS.includes(blame);
