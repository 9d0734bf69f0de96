"use client";

import type { LiveCall } from "agent-studio-client";
import { useState, type FormEvent } from "react";
import { messageOf } from "@/data/problem";
import { useMay } from "@/data/viewer";
import { Button } from "@/ui/button";
import { controlClass } from "@/ui/field";
import { Notice } from "@/ui/states";

/** Says the caller's next words in a text call. */
export function Composer({ send }: Pick<LiveCall, "send">) {
  const mayWrite = useMay("CALLS_WRITE");
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  if (!mayWrite) return null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const words = text.trim();
    if (!words || isBusy) return;
    setBusy(true);
    setText("");
    const result = await send(words);
    setBusy(false);
    setProblem(result.ok ? "" : messageOf(result.error));
    // What was typed meanwhile is the next message, or follows the one that was not sent.
    if (!result.ok) setText((typed) => [words, typed].filter(Boolean).join(" "));
  };
  return (
    <form className="grid gap-2 border-t p-3" onSubmit={(event) => void submit(event)}>
      {problem && <Notice tone="bad">{problem}</Notice>}
      <div className="flex gap-2">
        <input
          aria-label="Message of the caller"
          value={text}
          maxLength={8192}
          autoComplete="off"
          placeholder="Write as the caller"
          onChange={(event) => setText(event.target.value)}
          className={`${controlClass} h-10`}
        />
        <Button type="submit" kind="primary" icon="send" busy={isBusy} className="h-10">
          Send
        </Button>
      </div>
    </form>
  );
}
