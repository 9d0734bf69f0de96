"use client";

import type { SuccessOf, TypedDocument } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import { useRef, useState } from "react";
import { messageOf } from "./problem";

/** Why a mutation was refused: in a sentence, and by the field of its input. */
export interface Refusal {
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly code: string;
}

export const ACCEPTED: Refusal = { message: "", fields: {}, code: "" };

interface Described {
  readonly code: string;
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly problems?: readonly { readonly message: string; readonly path: readonly string[] }[];
}

/** The name of the input value that a path leads to, such as `slug` for `["input", "slug"]`. */
const fieldOf = (path: readonly (string | number)[]) => String(path[0] === "input" ? (path[1] ?? "") : (path[0] ?? ""));

function refusalOf(error: Described): Refusal {
  const problems = error.problems ?? (error.path?.length ? [{ message: error.message, path: error.path }] : []);
  const named = problems.map(({ path, message }) => [fieldOf(path), message] as const).filter(([name]) => name);
  return { message: messageOf(error), fields: Object.fromEntries(named), code: error.code };
}

/** Sends mutations, one at a time, and keeps what the last one was refused with. */
export function useSubmit() {
  const studio = useStudio();
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
    setRefusal(refusalOf(result.error));
    return null;
  }
  return { submit, isBusy, refusal };
}
