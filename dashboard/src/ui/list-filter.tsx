"use client";

import type { FormEvent, ReactNode } from "react";
import { changed } from "@/data/page";
import { Button } from "./button";
import { controlClass } from "./field";

export interface FilterChoice {
  readonly label: string;
  /** The parameter of the address. */
  readonly name: string;
  /** By their values in the address; the one that is not in it has an empty value. */
  readonly options: Readonly<Record<string, string>>;
}

/** The order of lists that can be sorted by name and by time of the last edit. */
export const ORDER: FilterChoice = { label: "Order", name: "sort", options: { "": "By name", updated: "Last edited first" } };

interface Props {
  /** What the list has, for instance `agents`. */
  what: string;
  placeholder: string;
  choices: readonly FilterChoice[];
  query: URLSearchParams;
  onGo(query: URLSearchParams): void;
  children?: ReactNode;
}

/** The search by name above a list, and choices that the address holds. */
export function ListFilter({ what, placeholder, choices, query, onGo, children }: Props) {
  const search = query.get("search") ?? "";
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onGo(changed(query, { search: String(new FormData(event.currentTarget).get("search")).trim() || null }));
  };
  return (
    <form role="search" className="mb-4 flex flex-wrap items-center gap-2" onSubmit={submit}>
      <input
        key={search}
        type="search"
        name="search"
        aria-label={`Search ${what} by name`}
        placeholder={placeholder}
        defaultValue={search}
        className={`${controlClass} h-9 max-w-64`}
      />
      <Button type="submit" icon="search">
        Search
      </Button>
      {children}
      <span className="grow" />
      {choices.map(({ label, name, options }) => (
        <label key={name} className="flex items-center gap-2 text-sm text-muted">
          {label}
          <select
            className={`${controlClass} h-9 w-auto`}
            value={query.get(name) ?? ""}
            onChange={({ target }) => onGo(changed(query, { [name]: target.value || null }))}
          >
            {Object.entries(options).map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
      ))}
    </form>
  );
}
