import type { LimitsQuery } from "@/gql/limits";
import { moment } from "@/data/format";
import { plain } from "@/data/words";

export type BudgetLevel = NonNullable<NonNullable<LimitsQuery["viewer"]>["limits"]>[number];

const BUDGETS: Record<string, string> = {
  CONCURRENT_CALLS: "Calls at the same time",
  MINUTES_PER_MONTH: "Minutes this month",
  SPEND_PER_MONTH: "Dollars this month",
  REQUESTS_PER_MINUTE: "Requests per minute",
  SOCKETS: "Open WebSockets",
  SUBSCRIPTIONS: "Open subscriptions",
  AGENTS: "Agents",
  TOOLS: "Tools",
  WORKFLOWS: "Workflows",
  STORAGE_MEGABYTES: "Megabytes stored",
};

const budgetName = (budget: string) => BUDGETS[budget] ?? plain(budget);

/** What to say about a budget of which little or nothing is left; null otherwise. */
export function warningOf({ budget, isNear, isExhausted }: BudgetLevel): { tone: "bad" | "warn"; text: string } | null {
  if (isExhausted) return { tone: "bad", text: `${budgetName(budget)}: the limit is reached, and more is refused.` };
  return isNear ? { tone: "warn", text: `${budgetName(budget)}: more than four fifths are used.` } : null;
}

const figure = (value: number) => value.toLocaleString("en-US", { maximumFractionDigits: value < 100 ? 2 : 0 });

/** How much of each budget is used. */
export function BudgetLevels({ levels }: { levels: readonly BudgetLevel[] }) {
  return (
    <ul className="grid gap-3.5">
      {levels.map(({ budget, used, limit, isNear, isExhausted, resetsAt }) => (
        <li key={budget} className="text-sm">
          <span className="flex justify-between gap-4">
            <span>{budgetName(budget)}</span>
            <span className="text-muted tabular-nums">
              {figure(used)} {limit === null ? "· no limit" : `of ${figure(limit)}`}
            </span>
          </span>
          {limit !== null && (
            <span className="mt-1.5 block h-2 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
              <span
                className={`block h-full rounded-full ${isExhausted ? "bg-bad" : isNear ? "bg-warn" : "bg-accent"}`}
                style={{ width: `${Math.min(100, (100 * used) / (limit || 1))}%` }}
              />
            </span>
          )}
          {resetsAt && (isNear || isExhausted) && <span className="mt-1 block text-xs text-muted">Resets {moment(resetsAt)}</span>}
        </li>
      ))}
    </ul>
  );
}
