"use client";

import { useState } from "react";
import { Confirm } from "./dialog";
import { Notice } from "./states";

export interface Question {
  readonly title: string;
  readonly description: string;
  readonly confirm: string;
  /** What went wrong; empty if it was done. */
  run(): Promise<string>;
}

/** Asks a question and does what was confirmed. It stays open with the reason if that was refused. */
export function Ask({ question, onClose }: { question: Question | null; onClose(): void }) {
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  const close = () => {
    setProblem("");
    onClose();
  };
  const run = async () => {
    if (!question) return;
    setBusy(true);
    const refused = await question.run();
    setBusy(false);
    if (refused) setProblem(refused);
    else close();
  };
  return (
    <Confirm
      open={question !== null}
      onOpenChange={(isOpen) => !isOpen && close()}
      title={question?.title ?? ""}
      description={question?.description}
      confirm={question?.confirm ?? ""}
      busy={isBusy}
      problem={problem && <div className="mt-3"><Notice tone="bad">{problem}</Notice></div>}
      onConfirm={() => void run()}
    />
  );
}
