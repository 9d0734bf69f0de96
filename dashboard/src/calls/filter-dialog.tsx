"use client";

import { useState, type FormEvent, type ReactNode } from "react";
import { useQuery } from "urql";
import { FilterChoicesDocument } from "@/gql/calls";
import { changed } from "@/data/page";
import { BLAMES, DIRECTIONS, KINDS, REASONS, STATES } from "@/data/words";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Choice, Field } from "@/ui/field";
import { FilterChecks } from "@/ui/filter-checks";
import { FILTER_NAMES, withoutFilter } from "./view";

interface Props {
  open: boolean;
  query: URLSearchParams;
  onOpenChange(open: boolean): void;
  onApply(query: URLSearchParams): void;
}

export function FilterDialog({ open, query, onOpenChange, onApply }: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} isWide title="Filter calls" description="A call must match every field that is set.">
      <FilterForm query={query} onApply={onApply} />
    </Dialog>
  );
}

function FilterForm({ query, onApply }: Pick<Props, "query" | "onApply">) {
  const [{ data }] = useQuery({ query: FilterChoicesDocument });
  const workflows = data?.workflows?.edges.map(({ node }) => ({ value: node.slug, label: node.name })) ?? [];
  const agents = data?.agents?.edges.map(({ node }) => ({ value: node.name, label: node.displayName ?? node.name })) ?? [];
  const [meta, setMeta] = useState(() => query.getAll("meta").join("\n"));
  const value = (name: string) => query.get(name) ?? "";

  const apply = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const read = (name: string) => {
      const values = form.getAll(name).map(String).filter(Boolean);
      return values.join(",") || null;
    };
    const names = FILTER_NAMES.filter((name) => name !== "meta" && name !== "version");
    const lines = meta.split("\n").map((line) => line.trim()).filter((line) => line.includes(":"));
    onApply(changed(query, { ...Object.fromEntries(names.map((name) => [name, read(name)])), meta: lines.length ? lines : null }));
  };

  return (
    <form className="mt-4 grid gap-4" onSubmit={apply}>
      <FilterChecks title="State" name="state" query={query} options={labels(STATES)} />
      <FilterChecks title="Kind" name="kind" query={query} options={labels(KINDS)} />
      <FilterChecks title="Direction" name="direction" query={query} options={DIRECTIONS} />
      <FilterChecks title="Caused by" name="blame" query={query} options={BLAMES} />
      <Pair>
        <Options label="Progress" name="live" value={value("live")} options={[{ value: "true", label: "In progress" }, { value: "false", label: "Ended" }]} />
        <Options label="End" name="reason" value={value("reason")} options={entries(labels(REASONS))} />
        <Options label="Workflow" name="workflow" value={value("workflow")} options={workflows} />
        <Options label="Agent" name="agent" value={value("agent")} options={agents} />
        <Field label="Tool" name="tool" defaultValue={value("tool")} autoCapitalize="none" />
        <Field label="User" name="user" defaultValue={value("user")} />
        <Field label="Phone number" name="phone" type="tel" defaultValue={value("phone")} placeholder="+12025550123" />
        <span className="hidden sm:block" />
        <Field label="Started from" name="since" type="date" defaultValue={value("since")} />
        <Field label="Started until" name="until" type="date" defaultValue={value("until")} />
        <Field label="Shortest, in seconds" name="minDuration" inputMode="numeric" pattern="\d*" defaultValue={value("minDuration")} />
        <Field label="Longest, in seconds" name="maxDuration" inputMode="numeric" pattern="\d*" defaultValue={value("maxDuration")} />
        <Field label="Least cost, in dollars" name="minCost" inputMode="decimal" pattern="\d*(\.\d+)?" defaultValue={value("minCost")} />
        <Field label="Greatest cost, in dollars" name="maxCost" inputMode="decimal" pattern="\d*(\.\d+)?" defaultValue={value("maxCost")} />
      </Pair>
      <Field
        label="Metadata"
        value={meta}
        onChange={(event) => setMeta(event.target.value)}
        placeholder="order:2041"
        hint="A key and its value, separated by a colon."
      />
      <div className="sticky -bottom-5 -mx-5 -mb-5 flex justify-end gap-2 border-t bg-raised px-5 py-4">
        <Button onClick={() => onApply(withoutFilter(query))}>Clear all</Button>
        <Button type="submit" kind="primary">
          Show calls
        </Button>
      </div>
    </form>
  );
}

const entries = (options: Record<string, string>) => Object.entries(options).map(([value, label]) => ({ value, label }));
const labels = (options: Record<string, { label: string }>) =>
  Object.fromEntries(Object.entries(options).map(([value, { label }]) => [value, label]));

const Pair = ({ children }: { children: ReactNode }) => <div className="grid gap-4 sm:grid-cols-2">{children}</div>;

function Options({ label, name, value, options }: { label: string; name: string; value: string; options: { value: string; label: string }[] }) {
  // A value of the address that is not among the options, such as several reasons, stays as it is.
  const all = value && !options.some((option) => option.value === value) ? [...options, { value, label: value }] : options;
  return (
    <Choice label={label} name={name} defaultValue={value} key={all.length}>
      <option value="">Any</option>
      {all.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </Choice>
  );
}
