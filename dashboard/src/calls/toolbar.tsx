"use client";

import { Link } from "@/ui/link";
import { useStudio } from "agent-studio-client/react";
import { RequestFailed } from "agent-studio-client";
import { useState, type FormEvent } from "react";
import { changed } from "@/data/page";
import { messageOf } from "@/data/problem";
import { useViewer } from "@/data/viewer";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { FilterChips } from "@/ui/filter-chips";
import { Menu, MenuCheck, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu";
import { useToast } from "@/ui/toast";
import { COLUMNS, DEFAULT_COLUMNS } from "./columns";
import { download, MAX_ROWS } from "./csv";
import { FilterDialog } from "./filter-dialog";
import { useSavedViews } from "./saved-views";
import { chipsOf, columnsOf, variablesOf, withoutFilter } from "./view";

interface Props {
  query: URLSearchParams;
  onGo(query: URLSearchParams): void;
}

const PRESETS = [
  { name: "All", query: "" },
  { name: "Live", query: "live=true" },
  { name: "Failed", query: "state=FAILED" },
  { name: "Phone", query: "kind=SIP" },
] as const;

/** The parts of the address that make a view: not the page of the list. */
function viewOf(query: URLSearchParams): string {
  const view = changed(query, {});
  view.sort();
  return view.toString();
}

const sorted = (text: string) => viewOf(new URLSearchParams(text));

export function Toolbar({ query, onGo }: Props) {
  const [isFiltering, setFiltering] = useState(false);
  const chips = chipsOf(query);
  const current = viewOf(query);
  return (
    <div className="mb-4 grid gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <nav aria-label="Views" className="flex rounded-lg border bg-sunken p-0.5">
          {PRESETS.map((preset) => (
            <Link
              key={preset.name}
              href={`/calls/${preset.query && `?${preset.query}`}`}
              scroll={false}
              aria-current={sorted(preset.query) === current ? "true" : undefined}
              className="rounded-md px-3 py-1 text-sm font-medium text-muted hover:text-text aria-[current]:bg-surface aria-[current]:text-text
                aria-[current]:shadow-soft"
            >
              {preset.name}
            </Link>
          ))}
        </nav>
        <span className="grow" />
        <Button icon="filter" onClick={() => setFiltering(true)}>
          Filter{chips.length > 0 && ` (${chips.length})`}
        </Button>
        <Views query={query} current={current} onGo={onGo} />
        <Columns query={query} onGo={onGo} />
        <Csv query={query} />
      </div>
      <FilterChips chips={chips} onGo={onGo} cleared={withoutFilter(query)} />
      <FilterDialog
        open={isFiltering}
        onOpenChange={setFiltering}
        query={query}
        onApply={(next) => {
          setFiltering(false);
          onGo(next);
        }}
      />
    </div>
  );
}

function Views({ query, current, onGo }: Props & { current: string }) {
  const { views, save, remove } = useSavedViews(useViewer()?.tenant.id ?? "");
  const [isNaming, setNaming] = useState(false);
  const shown = views.find((view) => sorted(view.query) === current);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
    if (!name) return;
    save({ name, query: current });
    setNaming(false);
  };
  return (
    <>
      <Menu align="end" trigger={<Button icon="bookmark">{shown?.name ?? "Views"}</Button>}>
        <MenuLabel>Saved in this browser</MenuLabel>
        {views.length === 0 && <p className="px-2.5 pb-1.5 text-sm text-muted">None yet</p>}
        {views.map((view) => (
          <MenuItem key={view.name} icon="bookmark" onSelect={() => onGo(new URLSearchParams(view.query))}>
            {view.name}
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem icon="plus" onSelect={() => setNaming(true)}>
          Save this view…
        </MenuItem>
        {shown && (
          <MenuItem icon="close" onSelect={() => remove(shown.name)}>
            Delete “{shown.name}”
          </MenuItem>
        )}
        <MenuItem icon="copy" onSelect={() => void navigator.clipboard?.writeText(`${location.origin}/studio/calls/?${viewOf(query)}`)}>
          Copy the link
        </MenuItem>
      </Menu>
      <Dialog open={isNaming} onOpenChange={setNaming} title="Save this view" description="Filter, order and columns are saved in this browser.">
        <form className="mt-4 grid gap-4" onSubmit={submit}>
          <Field label="Name" name="name" required maxLength={40} />
          <div className="flex justify-end gap-2">
            <Button onClick={() => setNaming(false)}>Cancel</Button>
            <Button type="submit" kind="primary">
              Save
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}

function Columns({ query, onGo }: Props) {
  const shown = columnsOf(query);
  return (
    <Menu align="end" trigger={<Button icon="columns" aria-label="Choose columns" />}>
      <MenuLabel>Columns</MenuLabel>
      {COLUMNS.map(({ name, title }) => (
        <MenuCheck
          key={name}
          checked={shown.includes(name)}
          onChange={(isOn) => {
            const next = COLUMNS.map((column) => column.name).filter((each) => (each === name ? isOn : shown.includes(each)));
            const isDefault = next.join() === DEFAULT_COLUMNS.join();
            if (next.length) onGo(changed(query, { columns: isDefault ? null : next.join(",") }));
          }}
        >
          {title}
        </MenuCheck>
      ))}
    </Menu>
  );
}

function Csv({ query }: { query: URLSearchParams }) {
  const studio = useStudio();
  const toast = useToast();
  const [running, setRunning] = useState<AbortController | null>(null);
  const start = async () => {
    if (running) return running.abort();
    const controller = new AbortController();
    setRunning(controller);
    try {
      const rows = await download(studio, variablesOf(query), columnsOf(query), controller.signal);
      const more = rows >= MAX_ROWS ? " That is the limit: filter by time for the rest." : "";
      toast("ok", `${rows.toLocaleString("en-US")} calls were saved as calls.csv.${more}`);
    } catch (error) {
      if (error instanceof RequestFailed) toast("bad", messageOf(error.error));
      else if (!controller.signal.aborted) throw error;
    } finally {
      setRunning(null);
    }
  };
  return (
    <Button icon={running ? "stop" : "download"} aria-label={running ? "Stop the download" : "Download as CSV"} onClick={() => void start()} />
  );
}
