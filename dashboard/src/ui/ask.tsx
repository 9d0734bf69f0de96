"use client";

import { useRouter } from "next/navigation";
import { useState, type ReactNode } from "react";
import { messageOf } from "@/data/problem";
import type { MutationError, Outcome } from "@/data/refusal";
import { useMounted } from "@/data/use-mounted";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Notice } from "./states";
import { useToast } from "./toast";

export interface Question {
  readonly title: string;
  readonly description: ReactNode;
  readonly confirm: string;
  run(): Promise<Outcome<unknown>>;
  /** What helps if something else still uses it. */
  readonly inUse?: ReactNode;
  /** Where the reader continues when it was done, unless they have left the page meanwhile. */
  readonly next?: string | undefined;
}

interface Props {
  question: Question | null;
  onClose(): void;
}

/** Asks a question and does what was confirmed. It stays open with the reason if that was refused. */
export function Ask({ question, onClose }: Props) {
  return (
    <Dialog
      open={question !== null}
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title={question?.title ?? ""}
      description={question?.description}
    >
      {question && <Answer question={question} onClose={onClose} />}
    </Dialog>
  );
}

const reasonOf = (error: MutationError & { readonly usedBy?: readonly string[] }) => {
  const users = error.usedBy?.filter((name) => !error.message.includes(name)) ?? [];
  return users.length ? `${messageOf(error)} It is used by ${users.join(", ")}.` : messageOf(error);
};

const pageOf = ({ pathname, search }: Location) => pathname + search;

/** It is there as long as the dialog is open: what comes later belongs to no other question. */
function Answer({ question, onClose }: { question: Question; onClose(): void }) {
  const router = useRouter();
  const toast = useToast();
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<MutationError | null>(null);
  const isOpen = useMounted();
  const run = async () => {
    setBusy(true);
    setError(null);
    const page = pageOf(location);
    const outcome = await question.run();
    if (outcome.ok && question.next && page === pageOf(location)) router.replace(question.next);
    if (!isOpen.current) return outcome.ok || toast("bad", reasonOf(outcome.error));
    setBusy(false);
    if (outcome.ok) onClose();
    else setError(outcome.error);
  };
  return (
    <>
      {error && (
        <div className="mt-3">
          <Notice tone="bad">
            {reasonOf(error)} {error.code === "IN_USE" && question.inUse}
          </Notice>
        </div>
      )}
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" busy={isBusy} onClick={() => void run()}>
          {question.confirm}
        </Button>
      </div>
    </>
  );
}
