"use client";

import { useMemo, useState, type KeyboardEvent } from "react";
import { count } from "@/data/format";
import { Button } from "@/ui/button";
import { controlClass } from "@/ui/field";
import type { Entry } from "./story";

/** The search of the browser sees only the rows that are in the document. */
export function useFind(story: readonly Entry[]) {
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(0);
  const matches = useMemo(() => matchesOf(story, words.trim().toLowerCase()), [story, words]);
  const move = (step: number) => matches.length && setPlace((place + step + matches.length) % matches.length);
  const found = matches[place] ?? -1;
  const search = (text: string) => {
    setWords(text);
    setPlace(0);
  };
  return { words, search, move, found, place: found < 0 ? 0 : place + 1, matches: matches.length };
}

function matchesOf(story: readonly Entry[], words: string): readonly number[] {
  if (!words) return [];
  return story.flatMap((entry, index) => (textOf(entry).toLowerCase().includes(words) ? [index] : []));
}

function textOf(entry: Entry): string {
  if (entry.kind === "TURN") return entry.turn.text;
  if (entry.kind === "NOTE") return `${entry.note.text} ${entry.note.detail ?? ""}`;
  return `${entry.call.tool} ${JSON.stringify([entry.call.arguments, entry.call.result])}`;
}

export function Find({ words, search, move, place, matches }: ReturnType<typeof useFind>) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") move(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") search("");
  };
  return (
    <div role="search" className="flex items-center gap-1 border-b px-4 py-2 md:px-5">
      <input
        type="search"
        aria-label="Find in the conversation"
        placeholder="Find in the conversation"
        value={words}
        onChange={({ target }) => search(target.value)}
        onKeyDown={onKeyDown}
        className={`${controlClass} h-9 max-w-72`}
      />
      <span role="status" className="min-w-20 px-2 text-xs text-muted tabular-nums">
        {words.trim() && (matches ? `${count(place)} of ${count(matches)}` : "Not found")}
      </span>
      <Button kind="ghost" icon="up" aria-label="Previous place" disabled={!matches} onClick={() => move(-1)} />
      <Button kind="ghost" icon="down" aria-label="Next place" disabled={!matches} onClick={() => move(1)} />
    </div>
  );
}
