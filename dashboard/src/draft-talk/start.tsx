"use client";

import { useStudio } from "agent-studio-client/react";
import type { VoiceRoom } from "agent-studio-client/voice";
import { useEffect, useRef, useState } from "react";
import { StartDraftCallDocument } from "@/gql/draft-talk";
import { EndCallDocument } from "@/gql/end-call";
import { voiceFailure } from "@/call/voice";
import { messageOf } from "@/data/problem";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/states";
import { FindingList, type Finding } from "@/workflows/findings";

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
  return (
    <div className="grid gap-4 p-4">
      <p className="text-sm text-muted">The call runs the draft as it is saved, with its agents and tools as they are now. It is a real call: tools send their requests.</p>
      {isUnsaved && <Notice tone="warn">There are edits that are not saved. The call does not have them.</Notice>}
      {failure && <Notice tone="bad">{failure.text}</Notice>}
      {failure && failure.findings.length > 0 && <FindingList findings={failure.findings} />}
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" icon="text" busy={step !== ""} onClick={() => void start("TEXT")}>
          Write
        </Button>
        <Button icon="microphone" busy={step !== ""} onClick={() => void start("VOIP")}>
          Speak
        </Button>
      </div>
      <p role="status" className="min-h-5 text-sm text-muted">
        {step}
      </p>
    </div>
  );
}

function useStart(workflowId: string, onStarted: (talk: Talk) => void) {
  const studio = useStudio();
  const [step, setStep] = useState("");
  const [failure, setFailure] = useState<Failure | null>(null);
  const leaving = useRef<AbortController | null>(null);
  useEffect(() => () => leaving.current?.abort(), []);

  const fail = (text: string, findings: readonly Finding[] = []) => {
    setStep("");
    setFailure({ text, findings });
  };
  const end = (callId: string) => void studio.mutate(EndCallDocument, { input: { callId, byCaller: true } });

  const begin = async (kind: "TEXT" | "VOIP") => {
    setStep("Starting the call…");
    const input = { workflow: { id: workflowId }, kind, draft: true, idempotencyKey: crypto.randomUUID() };
    const result = await studio.mutate(StartDraftCallDocument, { input });
    if (result.ok) return result.value;
    fail(messageOf(result.error), "findings" in result.error ? result.error.findings : []);
    return null;
  };
  const write = async (signal: AbortSignal) => {
    const call = await begin("TEXT");
    if (call && signal.aborted) end(call.callId);
    else if (call) onStarted({ callId: call.callId, room: null });
  };
  const speak = async (signal: AbortSignal) => {
    const voice = await import("agent-studio-client/voice");
    let callId: string | undefined;
    try {
      setStep("Asking for the microphone…");
      const track = await voice.microphone({ signal });
      const call = await begin("VOIP");
      if (!call?.join) return track.stop();
      callId = call.callId;
      setStep("Joining the call…");
      onStarted({ callId, room: await voice.joinVoice(call.join, { track, signal }) });
    } catch (error) {
      if (callId) end(callId);
      if (signal.aborted) return;
      if (!(error instanceof voice.VoiceFailed)) throw error;
      fail(voiceFailure(error.code));
    }
  };
  const start = async (kind: "TEXT" | "VOIP") => {
    setFailure(null);
    const controller = (leaving.current = new AbortController());
    await (kind === "TEXT" ? write(controller.signal) : speak(controller.signal));
  };
  return { step, failure, start };
}
