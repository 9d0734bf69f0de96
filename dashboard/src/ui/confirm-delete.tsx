"use client";

import type { Outcome } from "@/data/refusal";
import { Ask, type Question } from "./ask";

interface Props extends Omit<Question, "run"> {
  open: boolean;
  onClose(): void;
  remove(): Promise<Outcome<unknown>>;
  onRemoved(): void;
}

/** Asks before something is deleted, and says why it cannot be. */
export function ConfirmDelete({ open, onClose, remove, onRemoved, ...question }: Props) {
  const run = async () => {
    const outcome = await remove();
    if (outcome.ok) onRemoved();
    return outcome;
  };
  return <Ask question={open ? { ...question, run } : null} onClose={onClose} />;
}
