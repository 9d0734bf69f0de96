"use client";

import type { VoiceRoom } from "agent-studio-client/voice";
import { useObservable, useStudio } from "agent-studio-client/react";
import { useEffect, useRef, useState } from "react";
import { JoinCallDocument } from "@/gql/join-call";
import type { Outcome } from "@/data/refusal";
import { Ask } from "@/ui/ask";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";

/** Talks in a live voice call from this page, in the place of its caller: the API has no other role in a room. */
export function JoinByVoice({ callId }: { callId: string }) {
  const studio = useStudio();
  const [isAsking, setAsking] = useState(false);
  const [room, setRoom] = useState<VoiceRoom | null>(null);
  const joined = useRef<VoiceRoom | null>(null);
  joined.current = room;
  // The microphone does not stay on when the page is left.
  const leaving = useRef<AbortController | null>(null);
  useEffect(
    () => () => {
      leaving.current?.abort();
      void joined.current?.leave();
    },
    [],
  );

  const join = async (): Promise<Outcome<null>> => {
    const { signal } = (leaving.current = new AbortController());
    const voice = await import("agent-studio-client/voice").catch(() => null);
    if (!voice) return failed("The voice part of this page could not be loaded. Reload the page.");
    try {
      // The microphone first: without it, the caller must not lose their place.
      const track = await voice.microphone({ signal });
      const result = await studio.mutate(JoinCallDocument, { input: { callId } });
      if (!result.ok) {
        track.stop();
        return result;
      }
      setRoom(await voice.joinVoice(result.value.join, { track, signal }));
      setAsking(false);
    } catch (error) {
      if (signal.aborted) return JOINED;
      if (!(error instanceof voice.VoiceFailed)) throw error;
      return failed(voiceFailure(error.code));
    }
    return JOINED;
  };
  if (room) return <VoiceControls room={room} onLeft={() => setRoom(null)} />;
  return (
    <>
      <Button icon="microphone" onClick={() => setAsking(true)}>
        Join by voice
      </Button>
      <Ask
        question={
          isAsking
            ? {
                title: "Join as the caller?",
                description: "You talk to the agent in the place of the caller. A person who is connected as the caller is disconnected.",
                confirm: "Join by voice",
                run: join,
              }
            : null
        }
        onClose={() => setAsking(false)}
      />
    </>
  );
}

const JOINED: Outcome<null> = { ok: true, value: null };
const failed = (message: string): Outcome<null> => ({ ok: false, error: { code: "VOICE", message } });

const FAILURES = {
  MICROPHONE: "The microphone cannot be used. Allow it for this page in the settings of the browser, and check that one is connected.",
  ROOM: "The room of the call cannot be reached. Check that the call still runs, and that this browser reaches the LiveKit server.",
} as const;

export const voiceFailure = (code: keyof typeof FAILURES): string =>
  code === "MICROPHONE" && !isSecureContext ? "Browsers allow the microphone only on https pages and on localhost." : FAILURES[code];

export function VoiceControls({ room, onLeft }: { room: VoiceRoom; onLeft(): void }) {
  const state = useObservable(room.state);
  const isMuted = useObservable(room.isMuted);
  const hasSound = useObservable(room.hasSound);
  useEffect(() => {
    if (state === "ENDED") onLeft();
  }, [state, onLeft]);
  return (
    <div role="group" aria-label="Your voice" className="flex flex-wrap items-center gap-2">
      <Badge tone={state === "CONNECTED" ? "accent" : "warn"} live>
        {state === "CONNECTED" ? "You are the caller" : "Connecting again"}
      </Badge>
      {!hasSound && <Button onClick={() => void room.startSound()}>Turn the sound on</Button>}
      <Button icon={isMuted ? "microphoneOff" : "microphone"} aria-pressed={isMuted} onClick={() => void room.setMuted(!isMuted)}>
        Mute
      </Button>
      <Button onClick={() => void room.leave()}>Leave</Button>
    </div>
  );
}
