"use client";

import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { FilterChecks } from "@/ui/filter-checks";
import { filtered, FILTER_NAMES, KINDS, withoutFilter } from "./view";

interface Props {
  open: boolean;
  query: URLSearchParams;
  onOpenChange(open: boolean): void;
  onApply(query: URLSearchParams): void;
}

const LABELS = Object.fromEntries(Object.entries(KINDS).map(([kind, { label }]) => [kind, label]));

export function FilterDialog({ open, query, onOpenChange, onApply }: Props) {
  const apply = (form: FormData) => {
    const read = (name: string) => form.getAll(name).map(String).map((value) => value.trim()).filter(Boolean).join(",") || null;
    onApply(filtered(query, Object.fromEntries(FILTER_NAMES.map((name) => [name, read(name)]))));
  };
  const field = (name: (typeof FILTER_NAMES)[number]) => ({ name, defaultValue: query.get(name) ?? "", autoComplete: "off", spellCheck: false });
  return (
    <Dialog open={open} onOpenChange={onOpenChange} isWide title="Filter the audit log" description="An entry must match every field that is set.">
      <form
        className="mt-4 grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          apply(new FormData(event.currentTarget));
        }}
      >
        <FilterChecks title="Kind" name="kind" query={query} options={LABELS} />
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="From the day" type="date" {...field("since")} />
          <Field label="To the day" type="date" {...field("until")} />
          <Field label="Action" placeholder="updateAgent" hint="The name of a mutation, or of what was refused." autoCapitalize="none" {...field("action")} />
          <Field label="IP address" placeholder="203.0.113.7" {...field("address")} />
          <Field label="By" placeholder="user:… or key:…" hint="Or choose “By” in the details of an entry." autoCapitalize="none" {...field("actor")} />
          <Field label="About" hint="The id of an object, as the API returns it." autoCapitalize="none" {...field("target")} />
        </div>
        <input type="hidden" name="session" value={query.get("session") ?? ""} />
        <div className="sticky -bottom-5 -mx-5 -mb-5 flex justify-end gap-2 border-t bg-raised px-5 py-4">
          <Button onClick={() => onApply(withoutFilter(query))}>Clear all</Button>
          <Button type="submit" kind="primary">
            Show entries
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
