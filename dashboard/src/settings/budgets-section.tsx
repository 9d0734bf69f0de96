"use client";

import { useQuery } from "urql";
import { BudgetLevelsDocument, type BudgetLevelsQuery } from "@/gql/settings";
import { figure, ago, moment, money } from "@/data/format";
import { orNone, textOf, wholeNumberOf } from "@/data/form-values";
import { problemOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { budgetName } from "@/data/words";
import { Card } from "@/ui/card";
import { EditedForm } from "@/ui/edited-form";
import { Field } from "@/ui/field";
import { Meter } from "@/ui/meter";
import { Section } from "@/ui/section";
import { Failed, Loading, Skeleton } from "@/ui/states";
import { useToast } from "@/ui/toast";
import { useSettingsForm, type SectionProps } from "./use-settings-form";

export function BudgetsSection(props: SectionProps) {
  const toast = useToast();
  const mayReadLevels = useMay("CALLS_READ");
  const [{ data, error }, again] = useQuery({ query: BudgetLevelsDocument, pause: !mayReadLevels, requestPolicy: "cache-and-network" });
  const readLevels = () => again({ requestPolicy: "network-only" });
  const form = useSettingsForm({
    ...props,
    name: "budgets",
    draftOf: ({ budgets }) => ({
      "budgets.concurrentCalls": textOf(budgets.concurrentCalls),
      "budgets.minutesPerMonth": textOf(budgets.minutesPerMonth),
      "budgets.spendPerMonth": textOf(budgets.spendPerMonth),
      "budgets.spendPerCall": textOf(budgets.spendPerCall),
    }),
    inputOf: (draft) => ({
      budgets: {
        concurrentCalls: wholeNumberOf("budgets.concurrentCalls", draft["budgets.concurrentCalls"]),
        minutesPerMonth: wholeNumberOf("budgets.minutesPerMonth", draft["budgets.minutesPerMonth"]),
        spendPerMonth: orNone(draft["budgets.spendPerMonth"]),
        spendPerCall: orNone(draft["budgets.spendPerCall"]),
      },
    }),
  });
  const { text } = form;
  const save = () => {
    toast("ok", "The budgets were saved.");
    if (mayReadLevels) readLevels();
  };
  return (
    <div className="grid gap-5">
      {mayReadLevels && <Levels levels={data?.viewer?.limits} failure={error && <Failed problem={problemOf(error)} onRetry={readLevels} />} />}
      <EditedForm form={form} scope="SETTINGS_WRITE" what="the settings" onSaved={save}>
        <Section title="Limits" text="Empty: no limit. 0 allows no call. New calls over a budget are refused, and running ones end with a sentence of the agent.">
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Calls at the same time" type="number" min={0} placeholder="No limit" {...text("budgets.concurrentCalls")} />
            <Field label="Minutes per month" type="number" min={0} placeholder="No limit" {...text("budgets.minutesPerMonth")} />
            <Field label="Dollars per month" inputMode="decimal" placeholder="No limit" hint="The estimated cost of all calls. Models without a price do not count." {...text("budgets.spendPerMonth")} />
            <Field label="Dollars per call" inputMode="decimal" placeholder="No limit" {...text("budgets.spendPerCall")} />
          </div>
        </Section>
      </EditedForm>
    </div>
  );
}

type Level = NonNullable<NonNullable<BudgetLevelsQuery["viewer"]>["limits"]>[number];

/** What a tenant limits itself; the others are quotas of the operator. */
const OWN: readonly string[] = ["CONCURRENT_CALLS", "MINUTES_PER_MONTH", "SPEND_PER_MONTH"];

const amount = (budget: string, value: number) => (budget === "SPEND_PER_MONTH" ? money(String(value)) : figure(value));

function noteOf({ budget, left, resetsAt, isExhausted }: Level): string | null {
  const parts = [
    isExhausted ? "Used up: more is refused." : left === null ? "" : `${amount(budget, left)} left.`,
    resetsAt ? `Resets ${ago(resetsAt)} (${moment(resetsAt)}).` : "",
  ];
  return parts.filter(Boolean).join(" ") || null;
}

function Levels({ levels, failure }: { levels: readonly Level[] | null | undefined; failure: React.ReactNode }) {
  if (failure && !levels) return <Card>{failure}</Card>;
  if (!levels) {
    return (
      <Loading what="how the budgets stand">
        <Skeleton className="h-64 w-full" />
      </Loading>
    );
  }
  const groups = [
    { title: "How the budgets stand", shown: levels.filter(({ budget }) => OWN.includes(budget)) },
    { title: "Quotas of the installation", shown: levels.filter(({ budget, limit }) => !OWN.includes(budget) && limit !== null) },
  ];
  return groups
    .filter(({ shown }) => shown.length)
    .map(({ title, shown }) => (
      <Card key={title}>
        <section aria-label={title} className="p-5">
          <h2 className="mb-4 text-sm font-semibold">{title}</h2>
          <div className="grid gap-5 sm:grid-cols-2">
            {shown.map((level) => (
              <Meter
                key={level.budget}
                label={budgetName(level.budget)}
                value={`${amount(level.budget, level.used)} ${level.limit === null ? "· no limit" : `of ${amount(level.budget, level.limit)}`}`}
                used={level.used}
                limit={level.limit}
                note={noteOf(level)}
              />
            ))}
          </div>
        </section>
      </Card>
    ));
}
