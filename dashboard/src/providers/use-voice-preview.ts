"use client";

import { useStudio } from "agent-studio-client/react";
import { useEffect, useRef, useState } from "react";
import type { MutationError } from "@/data/refusal";
import { PreviewVoiceDocument, type PreviewVoiceInput } from "@/gql/voice-preview";

/** The preview that is requested or heard; one at a time in a page. */
let current: AbortController | null = null;

const NOT_PLAYED: MutationError = { code: "NOT_PLAYED", message: "The browser cannot play the sample. Check its sound output." };

/** A browser that does not allow sound leaves the promise to play it open. */
const RESUME_MS = 5000;

/** Has a provider speak, and plays it. It stops when another preview starts, or its component goes. */
export function useVoicePreview() {
  const studio = useStudio();
  const [state, setState] = useState<"silent" | "asking" | "playing">("silent");
  const own = useRef<AbortController | null>(null);
  const stop = () => own.current?.abort();
  useEffect(() => () => own.current?.abort(), []);

  /** The error, if there is one. */
  async function listen(input: PreviewVoiceInput): Promise<MutationError | null> {
    current?.abort();
    const started = (own.current = current = new AbortController());
    let context: AudioContext | undefined;
    setState("asking");
    try {
      // Opened before the request, because browsers allow sound only as the direct result of a click.
      context = new AudioContext();
      const result = await studio.mutate(PreviewVoiceDocument, { input }, { signal: started.signal });
      if (started.signal.aborted) return null;
      if (!result.ok) return result.error;
      const sound = await context.decodeAudioData(bytesOf(result.value.audio));
      await running(context);
      if (started.signal.aborted) return null;
      setState("playing");
      await playedToItsEnd(context, sound, started.signal);
      return null;
    } catch {
      return started.signal.aborted ? null : NOT_PLAYED;
    } finally {
      void context?.close();
      if (own.current === started) setState("silent");
    }
  }
  return { state, listen, stop };
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (each) => each.charCodeAt(0)).buffer;

/** Rejects if the browser does not let the page play. */
async function running(context: AudioContext): Promise<void> {
  await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, RESUME_MS))]);
  if (context.state !== "running") throw new Error(`The audio is ${context.state}.`);
}

const playedToItsEnd = (context: AudioContext, sound: AudioBuffer, signal: AbortSignal) =>
  new Promise<void>((ended) => {
    const source = new AudioBufferSourceNode(context, { buffer: sound });
    source.connect(context.destination);
    source.onended = () => ended();
    signal.addEventListener("abort", () => ended());
    source.start();
  });
