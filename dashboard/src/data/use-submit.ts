"use client";

import type { SuccessOf, TypedDocument } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import { useRef, useState } from "react";
import { useToast } from "@/ui/toast";
import { messageOf } from "./problem";
import { problemsOf, type MutationError } from "./refusal";
import { useMounted } from "./use-mounted";

/** What a form shows of an error: a sentence, and what is wrong with the values of the input, by their names. */
export interface Refusal {
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly code: string;
}

export const ACCEPTED: Refusal = { message: "", fields: {}, code: "" };

function refusalOf(error: MutationError): Refusal {
  const named = Object.entries(problemsOf(error)).flatMap(([at, message]) => (at ? [[at.split(".")[0], message] as const] : []));
  return { message: messageOf(error), fields: Object.fromEntries(named), code: error.code };
}

/** Sends mutations, one at a time, and keeps what the last one was refused with; if its form is closed by then, a message says it. */
export function useSubmit() {
  const studio = useStudio();
  const toast = useToast();
  const isMounted = useMounted();
  const [refusal, setRefusal] = useState<Refusal>(ACCEPTED);
  const [isBusy, setBusy] = useState(false);
  const running = useRef(false);

  /** The success of the mutation; null if it was refused. */
  async function submit<Data, Input>(document: TypedDocument<Data, { input: Input }>, input: Input): Promise<SuccessOf<Data> | null> {
    if (running.current) return null;
    running.current = true;
    setBusy(true);
    setRefusal(ACCEPTED);
    const result = await studio.mutate(document, { input });
    running.current = false;
    setBusy(false);
    if (result.ok) return result.value;
    if (isMounted.current) setRefusal(refusalOf(result.error));
    else toast("bad", messageOf(result.error));
    return null;
  }
  return { submit, isBusy, refusal };
}
