"use client";

import { useEffect, useMemo, useRef, useState, type MouseEvent, type RefObject } from "react";
import { CallRecordingDocument, type CallRecordingQuery } from "@/gql/call";
import { milliseconds } from "@/data/format";
import { problemOf } from "@/data/problem";
import { useRead } from "@/data/use-read";
import { plain } from "@/data/words";
import { Notice, ProblemText, Skeleton, type Problem } from "@/ui/states";
import { BARS, loadPeaks, MAX_DRAWN_MS, outline, type Peaks } from "./waveform";

export type Recording = NonNullable<NonNullable<CallRecordingQuery["call"]>["recording"]>;

const POLL_MS = 3_000;

/** The recording of a call, which is prepared a moment after its end. `renew` asks for a new link: links expire. */
export function useRecording(id: string, isLive: boolean) {
  const [{ data, error }, again] = useRead({ query: CallRecordingDocument, variables: { id }, requestPolicy: "network-only" });
  const recording = data?.call?.recording;
  const renew = useRef(() => {});
  renew.current = () => again({ requestPolicy: "network-only" });
  const isPending = !isLive && (recording?.state === "RECORDING" || recording?.state === "PROCESSING");
  const wasLive = useRef(isLive);
  useEffect(() => {
    if (wasLive.current && !isLive) renew.current();
    wasLive.current = isLive;
  }, [isLive]);
  useEffect(() => {
    if (!isPending) return;
    const timer = setInterval(() => renew.current(), POLL_MS);
    return () => clearInterval(timer);
  }, [isPending]);
  return { recording, problem: error && problemOf(error), renew: () => renew.current() };
}

const STATES: Record<string, string> = {
  RECORDING: "The call is being recorded.",
  PROCESSING: "The recording is being prepared. It appears here by itself.",
  FAILED: "The recording could not be prepared.",
  DELETED: "The recording was deleted.",
};

const FRAME = "mt-4 rounded-xl border bg-surface p-4 shadow-soft";

/** In the place of a recording that is not loaded yet. */
export const RecordingSkeleton = ({ problem }: { problem: Problem | undefined }) => (
  <div className={FRAME}>{problem ? <ProblemText problem={problem} /> : <Skeleton className="h-42 w-full" />}</div>
);

interface Props {
  recording: Recording;
  audio: RefObject<HTMLAudioElement | null>;
  /** What is heard, in milliseconds since the start; null when nothing was played yet. */
  position: number | null;
  onPosition(ms: number): void;
  /** The link has expired. */
  onExpired(): void;
}

/** The recording with the loudness of both sides. The controls are those of the browser, which work by keyboard. */
export function RecordingPlayer({ recording, audio, position, onPosition, onExpired }: Props) {
  const [failures, setFailures] = useState(0);
  const { url, state, error } = recording;
  if (!url) {
    return (
      <section aria-label="Recording" className="mt-4 text-sm text-muted">
        {error ? `${STATES[state] ?? plain(state)} ${error}` : (STATES[state] ?? plain(state))}
      </section>
    );
  }
  const length = milliseconds(recording.duration ?? "PT0S");
  const lost = milliseconds(recording.missing ?? "PT0S");
  const fail = () => {
    setFailures(failures + 1);
    if (failures === 0) onExpired();
  };
  return (
    <section aria-label="Recording" className={FRAME}>
      <Waveform url={url} length={length} position={position} onSeek={(ms) => seek(audio.current, ms)} />
      {/* The conversation next to it has the words. */}
      <audio
        ref={audio}
        controls
        preload="metadata"
        src={url}
        aria-label="Recording of the call"
        className="w-full"
        onTimeUpdate={({ currentTarget }) => onPosition(1000 * currentTarget.currentTime)}
        onLoadedMetadata={({ currentTarget }) => {
          setFailures(0);
          if (position !== null) seek(currentTarget, position);
        }}
        onError={fail}
      />
      {failures > 1 && (
        <div className="mt-3">
          <Notice tone="bad">The recording cannot be played. Check that this browser reaches the store of the recordings.</Notice>
        </div>
      )}
      {lost > 0 && <p className="mt-2 text-xs text-muted">{(lost / 1000).toFixed(1)} s of the sound were lost, and are silence here.</p>}
    </section>
  );
}

export function seek(audio: HTMLAudioElement | null, ms: number) {
  if (audio) audio.currentTime = ms / 1000;
}

interface WaveformProps {
  url: string;
  length: number;
  position: number | null;
  onSeek(ms: number): void;
}

const HEIGHT = 88;

function Waveform({ url, length, position, onSeek }: WaveformProps) {
  const [peaks, setPeaks] = useState<Peaks | null | undefined>();
  const isDrawn = length > 0 && length <= MAX_DRAWN_MS;
  useEffect(() => {
    if (!isDrawn) return;
    const controller = new AbortController();
    // A store that does not allow this page to read the sound still plays it.
    loadPeaks(url, controller.signal).then(setPeaks, () => controller.signal.aborted || setPeaks(null));
    return () => controller.abort();
  }, [url, isDrawn]);
  const paths = useMemo(() => peaks?.map((side, index) => outline(side, HEIGHT * (0.25 + 0.5 * index), HEIGHT * 0.24)), [peaks]);
  if (!isDrawn || peaks === null) return null;
  const click = ({ clientX, currentTarget }: MouseEvent) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    onSeek((length * (clientX - left)) / width);
  };
  return (
    <div className="mb-3">
      <div aria-hidden="true" className="relative h-22 cursor-pointer rounded-md bg-sunken" onClick={click}>
        {!paths && <Skeleton className="size-full" />}
        <svg viewBox={`0 0 ${BARS} ${HEIGHT}`} preserveAspectRatio="none" className="absolute inset-0 size-full">
          {paths?.map((path, index) => <path key={index} d={path} className={SIDES[index]?.fill} />)}
        </svg>
        {position !== null && (
          <span className="absolute inset-y-0 w-0.5 bg-text" style={{ left: `${Math.min(100, (100 * position) / length)}%` }} />
        )}
      </div>
      <p className="mt-1.5 flex gap-4 text-xs text-muted" aria-hidden="true">
        {SIDES.map(({ name, dot }) => (
          <span key={name} className="flex items-center gap-1.5">
            <span className={`size-2.5 rounded-full ${dot}`} />
            {name}
          </span>
        ))}
      </p>
    </div>
  );
}

/** The channels of a recording. */
const SIDES = [
  { name: "Caller", fill: "fill-(--step-2)", dot: "bg-(--step-2)" },
  { name: "Agent", fill: "fill-(--step-5)", dot: "bg-(--step-5)" },
];
