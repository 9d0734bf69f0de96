import type { LimitsQuery } from "@/gql/limits";
import { figure, moment } from "@/data/format";
import { budgetName } from "@/data/words";
import { Meter } from "@/ui/meter";

export type BudgetLevel = NonNullable<NonNullable<LimitsQuery["viewer"]>["limits"]>[number];

/** What to say about a budget of which little or nothing is left; null otherwise. */
export function warningOf({ budget, isNear, isExhausted }: BudgetLevel): { tone: "bad" | "warn"; text: string } | null {
  if (isExhausted) return { tone: "bad", text: `${budgetName(budget)}: the limit is reached, and more is refused.` };
  return isNear ? { tone: "warn", text: `${budgetName(budget)}: more than four fifths are used.` } : null;
}

/** How much of each budget is used. */
export function BudgetLevels({ levels }: { levels: readonly BudgetLevel[] }) {
  return (
    <ul className="grid gap-3.5">
      {levels.map(({ budget, used, limit, isNear, isExhausted, resetsAt }) => (
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
  );
}
