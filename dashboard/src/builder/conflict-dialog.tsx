"use client";

import { useMemo, useState } from "react";
import { exactMoment } from "@/data/format";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { compare, merge, type Difference, type Side } from "./merge";
import type { Draft, Saved } from "./model";

interface Props {
  base: Saved;
  mine: Draft;
  /** What another person has saved; null while the dialog is closed. */
  theirs: Saved | null;
  onClose(): void;
  /** The draft that continues from theirs. Nothing is saved yet. */
  onResolve(theirs: Saved, draft: Draft, said: string): void;
}

export function ConflictDialog({ theirs, onClose, ...both }: Props) {
  const description = theirs && (
    <>
      Revision {theirs.revision} was saved {exactMoment(theirs.updatedAt)}, and your changes start from revision {both.base.revision}.
      Nothing is saved until you save, and undo brings your draft back.
    </>
  );
  return (
    <Dialog
      open={theirs !== null}
      onOpenChange={(isOpen) => isOpen || onClose()}
      title="Another person saved this workflow"
      description={description}
      isWide
    >
      {theirs && <Comparison {...both} theirs={theirs} />}
    </Dialog>
  );
}

function Comparison({ base, mine, theirs, onResolve }: Omit<Props, "theirs" | "onClose"> & { theirs: Saved }) {
  const differences = useMemo(() => compare(base.draft, mine, theirs.draft), [base, mine, theirs]);
  const [choices, setChoices] = useState<ReadonlyMap<string, Side>>(new Map());
  const conflicts = differences.filter(({ isConflict }) => isConflict);
  const undecided = conflicts.filter(({ key }) => !choices.has(key)).length;
  const onlyMine = differences.filter(({ isConflict, mine: changed }) => !isConflict && changed.length > 0);
  const onlyTheirs = differences.filter(({ isConflict, theirs: changed }) => !isConflict && changed.length > 0);
  return (
    <div className="mt-4 grid gap-5">
      {conflicts.length > 0 && (
        <section className="grid gap-3">
          <h3 className="text-sm font-semibold">Changed by both</h3>
          {conflicts.map((difference) => (
            <Conflict
              key={difference.key}
              difference={difference}
              choice={choices.get(difference.key)}
              onChoose={(side) => setChoices((before) => new Map(before).set(difference.key, side))}
            />
          ))}
        </section>
      )}
      <Changes title="Changed by you" differences={onlyMine} side="mine" />
      <Changes title="Changed by them" differences={onlyTheirs} side="theirs" />
      <div className="flex flex-wrap items-center justify-end gap-2">
        {undecided > 0 && <p className="mr-auto text-sm text-muted">To merge, choose a version of what both have changed.</p>}
        <Button onClick={() => onResolve(theirs, theirs.draft, "Their version is shown. Undo brings yours back.")}>Take theirs</Button>
        <Button onClick={() => onResolve(theirs, mine, "Your version is kept. Save to replace theirs.")}>Keep only mine</Button>
        <Button
          kind="primary"
          disabled={undecided > 0}
          onClick={() =>
            onResolve(theirs, merge(base.draft, mine, theirs.draft, choices), "Both versions are merged. Save to store the result.")
          }
        >
          Merge
        </Button>
      </div>
    </div>
  );
}

interface ConflictProps {
  difference: Difference;
  choice: Side | undefined;
  onChoose(side: Side): void;
}

function Conflict({ difference, choice, onChoose }: ConflictProps) {
  const { key, title } = difference;
  return (
    <fieldset className="rounded-md border p-3">
      <legend className="px-1 text-sm font-medium break-all">{title}</legend>
      <div className="grid gap-3 sm:grid-cols-2">
        {(["mine", "theirs"] as const).map((side) => (
          <label key={side} className="flex items-start gap-2 text-sm">
            <input
              type="radio"
              name={key}
              checked={choice === side}
              onChange={() => onChoose(side)}
              className="mt-1 size-4 shrink-0 accent-(--accent)"
            />
            <span className="min-w-0">
              <span className="font-medium">{side === "mine" ? "Yours" : "Theirs"}</span>
              <Sentences of={difference[side]} />
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Changes({ title, differences, side }: { title: string; differences: readonly Difference[]; side: Side }) {
  if (!differences.length) return null;
  return (
    <section>
      <h3 className="text-sm font-semibold">{title}</h3>
      <ul className="mt-1 grid gap-1.5">
        {differences.map((difference) => (
          <li key={difference.key} className="text-sm">
            <span className="font-medium break-all">{difference.title}</span>
            <Sentences of={difference[side]} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const Sentences = ({ of }: { of: readonly string[] }) => (
  <span className="block text-muted">
    {(of.length ? of : ["Unchanged"]).map((sentence) => (
      <span key={sentence} className="block break-words">
        {sentence}
      </span>
    ))}
  </span>
);
