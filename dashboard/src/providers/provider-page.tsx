"use client";

import { useState } from "react";
import type { CredentialRowFragment } from "@/gql/providers";
import { Badge } from "@/ui/badge";
import { controlClass } from "@/ui/field";
import { Absent, ObjectPage } from "@/ui/object-page";
import { Cell, Row, Table } from "@/ui/table";
import { Keys } from "./keys";
import type { Provider } from "./models";
import { keyState, kindTitle, LIST } from "./provider";

interface Props {
  /** What the provider offers, one entry for each kind. */
  entries: readonly Provider[];
  keys: readonly CredentialRowFragment[] | null;
  reload(): void;
}

export function ProviderPage({ entries, keys, reload }: Props) {
  const [first] = entries;
  if (!first) {
    return (
      <ObjectPage title="Provider" list={LIST}>
        <Absent what="provider" icon="globe" list={LIST} problem={null} isLoaded onRetry={() => undefined} />
      </ObjectPage>
    );
  }
  const { label, tone } = keyState(first, keys);
  return (
    <ObjectPage
      title={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          {first.displayName}
          <Badge tone={tone}>{label}</Badge>
        </span>
      }
      list={LIST}
    >
      <div className="grid gap-8">
        {first.needsKey && <Keys entry={first} keys={keys} reload={reload} />}
        {entries.map((entry) => (
          <Offer key={entry.kind} entry={entry} />
        ))}
      </div>
    </ObjectPage>
  );
}

function Offer({ entry }: { entry: Provider }) {
  const title = kindTitle(entry.kind);
  return (
    <section aria-label={title} className="grid gap-5">
      <h2 className="text-base font-semibold">{title}</h2>
      <Names title="Models" hint="Newer ones work, too." names={entry.models} />
      <Names title="Voices" hint="Others work, too." names={entry.voices} />
      <Names title="Languages" names={entry.languages} describe={languageName} />
      {entry.options.length > 0 && <Options entry={entry} title={`Options: ${title}`} />}
    </section>
  );
}

const LANGUAGES = new Intl.DisplayNames("en", { type: "language" });

function languageName(tag: string): string | undefined {
  try {
    const name = LANGUAGES.of(tag) ?? tag;
    // Of a language that it does not know, it repeats the code.
    return name.startsWith(tag.split("-")[0] ?? tag) ? undefined : name;
  } catch {
    // "multi" and the like are no tags.
    return undefined;
  }
}

const SEARCHED = 12;

interface NamesProps {
  title: string;
  hint?: string;
  names: readonly string[];
  describe?(name: string): string | undefined;
}

/** A list to browse; a long one can be searched. */
function Names({ title, hint, names, describe }: NamesProps) {
  const [search, setSearch] = useState("");
  if (!names.length) return null;
  const word = search.trim().toLowerCase();
  const shown = names.filter((name) => `${name} ${describe?.(name) ?? ""}`.toLowerCase().includes(word));
  return (
    <div>
      <div className="mb-2 flex min-h-9 flex-wrap items-center gap-x-3 gap-y-1">
        <h3 className="text-sm font-medium">
          {title} <span className="font-normal text-muted">({names.length})</span>
        </h3>
        {hint && <span className="text-xs text-muted">{hint}</span>}
        {names.length > SEARCHED && (
          <input
            type="search"
            aria-label={`Search ${title.toLowerCase()}`}
            placeholder="Search"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            className={`${controlClass} ml-auto h-9 max-w-48`}
          />
        )}
      </div>
      <ul className="flex flex-wrap gap-1.5">
        {shown.map((name) => (
          <li key={name} className="rounded-md border bg-surface px-2 py-1 text-sm">
            <span className="font-mono text-[13px]">{name}</span>
            {describe?.(name) && <span className="text-muted"> {describe(name)}</span>}
          </li>
        ))}
      </ul>
      {!shown.length && <p className="text-sm text-muted">None matches.</p>}
    </div>
  );
}

const COLUMNS = [{ title: "Option" }, { title: "Values", from: "sm" }, { title: "Default", from: "sm" }, { title: "Meaning" }] as const;

function Options({ entry, title }: { entry: Provider; title: string }) {
  return (
    <div>
      <h3 className="mb-2 text-sm font-medium">Options</h3>
      <Table label={title} columns={COLUMNS}>
        {entry.options.map((option) => (
          <Row key={option.name}>
            <Cell className="font-mono text-xs">{option.name}</Cell>
            <Cell from="sm" className="text-muted">
              {valuesOf(option)}
            </Cell>
            <Cell from="sm" className="font-mono text-xs text-muted">
              {option.default === null ? "–" : JSON.stringify(option.default)}
            </Cell>
            <Cell className="text-muted">{option.help}</Cell>
          </Row>
        ))}
      </Table>
    </div>
  );
}

function valuesOf({ type, minimum, maximum, choices }: Provider["options"][number]): string {
  if (choices.length) return choices.length > 6 ? `${choices.slice(0, 5).join(", ")}, …` : choices.join(", ");
  const kind = type.toLowerCase();
  if (minimum !== null && maximum !== null) return `${kind}, ${minimum} to ${maximum}`;
  if (minimum !== null) return `${kind}, ${minimum} or more`;
  return maximum === null ? kind : `${kind}, at most ${maximum}`;
}
