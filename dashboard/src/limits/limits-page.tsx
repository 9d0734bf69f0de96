"use client";

import { useQuery } from "urql";
import { LimitsDocument, type Budget } from "@/gql/limits";
import { problemOf } from "@/data/problem";
import { useTitle } from "@/data/use-title";
import { PageHeader } from "@/ui/page-header";
import { Section } from "@/ui/section";
import { Failed, Loading, Notice, Skeleton } from "@/ui/states";
import { BudgetLevels, warningOf, type BudgetLevel } from "./budget-levels";

const PARTS: readonly { title: string; text: string; budgets: readonly Budget[] }[] = [
  {
    title: "Calls",
    text: "Budgets of your tenant, which its settings set. Months are those of UTC.",
    budgets: ["CONCURRENT_CALLS", "MINUTES_PER_MONTH", "SPEND_PER_MONTH"],
  },
  {
    title: "Contents",
    text: "Quotas that the operator of the installation sets. Nothing is deleted when one is used up, and nothing can be added.",
    budgets: ["AGENTS", "TOOLS", "WORKFLOWS", "STORAGE_MEGABYTES"],
  },
  {
    title: "Requests",
    text: "Quotas of all members and keys of the tenant together, which the operator of the installation sets.",
    budgets: ["REQUESTS_PER_MINUTE", "SOCKETS", "SUBSCRIPTIONS"],
  },
];

export function LimitsPage() {
  useTitle("Limits");
  const [{ data, error }, execute] = useQuery({ query: LimitsDocument, requestPolicy: "cache-and-network" });
  const levels = data?.viewer?.limits;
  return (
    <>
      <PageHeader title="Limits" />
      {error && !levels && <Failed problem={problemOf(error)} onRetry={() => execute({ requestPolicy: "network-only" })} />}
      {!error && !levels && <LimitsSkeleton />}
      {levels && <Levels levels={levels} />}
    </>
  );
}

function Levels({ levels }: { levels: readonly BudgetLevel[] }) {
  const known = PARTS.flatMap(({ budgets }) => budgets);
  const others = levels.filter(({ budget }) => !known.includes(budget));
  return (
    <div className="grid gap-5">
      {levels
        .flatMap((level) => warningOf(level) ?? [])
        .map(({ tone, text }) => (
          <Notice key={text} tone={tone}>
            {text}
          </Notice>
        ))}
      <div className="grid items-start gap-5 lg:grid-cols-2 xl:grid-cols-3">
        {PARTS.map(({ title, text, budgets }) => (
          <Section key={title} title={title} text={text}>
            <BudgetLevels levels={levels.filter(({ budget }) => budgets.includes(budget))} />
          </Section>
        ))}
        {others.length > 0 && (
          <Section title="Others">
            <BudgetLevels levels={others} />
          </Section>
        )}
      </div>
    </div>
  );
}

const LimitsSkeleton = () => (
  <Loading what="limits">
    <div className="grid gap-5 lg:grid-cols-2 xl:grid-cols-3">
      {PARTS.map(({ title }) => (
        <Skeleton key={title} className="h-60 w-full" />
      ))}
    </div>
  </Loading>
);
