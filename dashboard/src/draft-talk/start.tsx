"use client";

import { newKey } from "agent-studio-client";
import { useStudio } from "agent-studio-client/react";
import type { VoiceRoom } from "agent-studio-client/voice";
import { useEffect, useRef, useState } from "react";
import { StartDraftCallDocument } from "@/gql/draft-talk";
import { voiceFailure } from "@/call/voice";
import { messageOf } from "@/data/problem";
import { Button } from "@/ui/button";
import { TextArea } from "@/ui/field";
import { Notice } from "@/ui/states";
import { FindingList, type Finding } from "@/workflows/findings";
import { useEndTest } from "./use-end-test";

/** A test call of a draft. */
export interface Talk {
  readonly callId: string;
  /** Null for a text call. */
  readonly room: VoiceRoom | null;
}

interface Failure {
  readonly text: string;
  readonly findings: readonly Finding[];
}

interface Props {
  workflowId: string;
  isUnsaved: boolean;
  onStarted(talk: Talk): void;
}

/** Offers a text call and a voice call of the draft. */
export function Start({ workflowId, isUnsaved, onStarted }: Props) {
  const { step, failure, start } = useStart(workflowId, onStarted);
  const [facts, setFacts] = useState("");
  const [problem, setProblem] = useState("");
  const begin = (kind: Kind) => {
    const userContext = factsIn(facts);
    setProblem(userContext ? "" : "This is not a JSON object.");
    if (userContext) void start(kind, userContext);
  };
  return (
    <div className="grid gap-4 p-4">
      <p className="text-sm text-muted">
        The call runs the draft as it is saved, with its agents and tools as they are now. It is a real call: tools send their requests.
      </p>
      {isUnsaved && <Notice tone="warn">There are edits that are not saved. The call does not have them.</Notice>}
      {failure && <Notice tone="bad">{failure.text}</Notice>}
      {failure && failure.findings.length > 0 && <FindingList findings={failure.findings} />}
      <TextArea
        label="Facts about the caller"
        hint="JSON, which prompts and conditions read at user, as in user.name. Empty: nothing is known."
        placeholder={'{"name": "Ada"}'}
        rows={2}
        spellCheck={false}
        className="font-mono"
        value={facts}
        problem={problem}
        onChange={({ target }) => setFacts(target.value)}
      />
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" icon="text" busy={step !== ""} onClick={() => begin("TEXT")}>
          Write
        </Button>
        <Button icon="microphone" busy={step !== ""} onClick={() => begin("VOIP")}>
          Speak
        </Button>
      </div>
      <p role="status" className="min-h-5 text-sm text-muted">
        {step}
      </p>
    </div>
  );
}

type Kind = "TEXT" | "VOIP";
type Facts = Readonly<Record<string, unknown>>;

function factsIn(text: string): Facts | null {
  if (!text.trim()) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function useStart(workflowId: string, onStarted: (talk: Talk) => void) {
  const studio = useStudio();
  const endTest = useEndTest();
  const [step, setStep] = useState("");
  const [failure, setFailure] = useState<Failure | null>(null);
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);

  const fail = (text: string, findings: readonly Finding[] = []) => {
    setStep("");
    setFailure({ text, findings });
  };

  const begin = async (kind: Kind, userContext: Facts) => {
    setStep("Starting the call…");
    const input = { workflow: { id: workflowId }, kind, userContext, draft: true, idempotencyKey: newKey() };
    const result = await studio.mutate(StartDraftCallDocument, { input });
    if (result.ok) return result.value;
    if ("findings" in result.error) fail("The draft has errors, so it cannot run. Fix them first.", result.error.findings);
    else fail(messageOf(result.error));
    return null;
  };
  const write = async (facts: Facts, signal: AbortSignal) => {
    const call = await begin("TEXT", facts);
    if (call && signal.aborted) void endTest(call.callId);
    else if (call) onStarted({ callId: call.callId, room: null });
  };
  const speak = async (facts: Facts, signal: AbortSignal) => {
    setStep("Asking for the microphone…");
    const voice = await import("agent-studio-client/voice").catch(() => null);
    if (!voice) return fail("The voice part of this page could not be loaded. Reload the page.");
    let callId: string | undefined;
    try {
      const track = await voice.microphone({ signal });
      const call = await begin("VOIP", facts);
      if (!call?.join) return track.stop();
      callId = call.callId;
      setStep("Joining the call…");
      onStarted({ callId, room: await voice.joinVoice(call.join, { track, signal }) });
    } catch (error) {
      if (callId) void endTest(callId);
      if (signal.aborted) return;
      if (!(error instanceof voice.VoiceFailed)) throw error;
      fail(voiceFailure(error.code));
    }
  };
  const start = async (kind: Kind, facts: Facts) => {
    setFailure(null);
    leaving.current?.abort();
    const controller = (leaving.current = new AbortController());
    await (kind === "TEXT" ? write(facts, controller.signal) : speak(facts, controller.signal));
  };
  return { step, failure, start };
}
