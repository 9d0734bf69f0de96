"use client";

import { useState, type ReactNode } from "react";
import { messageOf } from "@/data/problem";
import type { MutationError, Outcome } from "@/data/refusal";
import { Confirm } from "./dialog";
import { Notice } from "./states";

interface Props {
  open: boolean;
  onClose(): void;
  title: string;
  description: ReactNode;
  confirm: string;
  remove(): Promise<Outcome<unknown>>;
  onRemoved(): void;
}

const refusalOf = (error: MutationError & { readonly usedBy?: readonly string[] }) =>
  error.usedBy?.length ? `${messageOf(error)} It is used by ${error.usedBy.join(", ")}.` : messageOf(error);

/** Asks before something is deleted, and says why it cannot be. */
export function ConfirmDelete({ open, onClose, title, description, confirm, remove, onRemoved }: Props) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const close = () => {
    setProblem("");
    onClose();
  };
  const run = async () => {
    setBusy(true);
    const outcome = await remove();
    setBusy(false);
    if (!outcome.ok) return setProblem(refusalOf(outcome.error));
    close();
    onRemoved();
  };
  return (
    <Confirm
      open={open}
      onOpenChange={(isOpen) => !isOpen && close()}
      title={title}
      description={description}
      confirm={confirm}
      busy={isBusy}
      problem={problem && <div className="mt-3"><Notice tone="bad">{problem}</Notice></div>}
      onConfirm={() => void run()}
    />
  );
}
