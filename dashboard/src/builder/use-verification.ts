"use client";

import { useStudio } from "agent-studio-client/react";
import type { RequestError } from "agent-studio-client";
import { useEffect, useRef, useState } from "react";
import { VerifyWorkflowDocument } from "@/gql/builder";
import { messageOf } from "@/data/problem";
import { findingsOf, problemsOf, type AgentOfPalette, type ApiFinding, type Finding } from "./findings";
import type { Draft } from "./model";
import { configOf } from "./stored";

/** Verifying has a price, so it waits until nothing was changed for this long. */
const DEBOUNCE_MS = 1000;

export interface Verification {
  readonly state: "CHECKING" | "CHECKED" | "FAILED";
  readonly findings: readonly Finding[];
  /** Why it could not be verified. */
  readonly problem: string;
}

const NOT_YET: Verification = { state: "CHECKING", findings: [], problem: "" };

interface RefusedValue {
  readonly message: string;
  readonly path: readonly string[];
}

/** The values that the API refuses: several are listed, of a single one the error has the path. */
function refusedValues({ code, message, errors }: RequestError): readonly RefusedValue[] {
  if (code !== "INVALID_INPUT") return [];
  const { problems, path } = (errors[0]?.extensions ?? {}) as { problems?: readonly RefusedValue[]; path?: readonly string[] };
  return problems ?? (path ? [{ message, path }] : []);
}

/** What verification says about the draft, once nothing was changed for a second. */
export function useVerification(draft: Draft, agents: readonly AgentOfPalette[] | undefined): Verification {
  const studio = useStudio();
  const [result, setResult] = useState<Verification>(NOT_YET);
  const config = configOf(draft);
  const key = JSON.stringify(config);
  const asked = useRef({ draft, config, agents });
  asked.current = { draft, config, agents };
  const isFirst = useRef(true);
  const [attempt, setAttempt] = useState(0);
  // Tools are attached to agents elsewhere; findings about them need the agents.
  const isReady = agents !== undefined;

  useEffect(() => {
    if (!isReady) return;
    const leaving = new AbortController();
    let retry: ReturnType<typeof setTimeout> | undefined;
    setResult((before) => ({ ...before, state: "CHECKING" }));
    const verify = async () => {
      const { draft, config, agents = [] } = asked.current;
      const response = await studio.query(VerifyWorkflowDocument, { config }, { signal: leaving.signal });
      if (leaving.signal.aborted) return;
      if (response.ok) return setResult(checked(response.value.verifyWorkflow?.findings ?? [], draft, agents));
      const refused = refusedValues(response.error);
      if (refused.length) return setResult({ state: "CHECKED", findings: problemsOf(refused, draft), problem: "" });
      setResult((before) => ({ ...before, state: "FAILED", problem: messageOf(response.error) }));
      const { retryAfter } = response.error;
      if (retryAfter) retry = setTimeout(() => setAttempt((count) => count + 1), retryAfter * 1000);
    };
    const run = () =>
      verify().catch((error: unknown) => {
        // The request of an older draft is aborted.
        if (!leaving.signal.aborted) throw error;
      });
    const timer = setTimeout(() => void run(), isFirst.current ? 0 : DEBOUNCE_MS);
    isFirst.current = false;
    return () => {
      clearTimeout(timer);
      clearTimeout(retry);
      leaving.abort();
    };
  }, [studio, key, isReady, attempt]);
  return result;
}

const checked = (found: readonly ApiFinding[], draft: Draft, agents: readonly AgentOfPalette[]): Verification => ({
  state: "CHECKED",
  findings: findingsOf(found, draft, agents),
  problem: "",
});
