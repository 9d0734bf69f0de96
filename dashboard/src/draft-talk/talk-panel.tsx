"use client";

import { Link } from "@/ui/link";
import { useLiveCall } from "agent-studio-client/react";
import { useEffect, useRef, useState } from "react";
import { Composer } from "@/call/composer";
import { Conversation } from "@/call/conversation";
import { useConversation } from "@/call/use-conversation";
import { VoiceControls } from "@/call/voice";
import { messageOf } from "@/data/problem";
import { stateOf } from "@/data/words";
import { Badge } from "@/ui/badge";
import { Button, buttonClass } from "@/ui/button";
import { Loading, Notice, Skeleton } from "@/ui/states";
import { NOWHERE, positionsOf, useVisited, type Positions } from "./positions";
import { Start, type Talk } from "./start";
import { useEndTest } from "./use-end-test";

interface Props {
  workflowId: string;
  /** There are edits that are not saved, which the call does not have. */
  isUnsaved?: boolean;
  onPosition?: (nodes: Positions) => void;
}

/** Talks to the draft of a workflow, in text or by voice, and reports the nodes that the conversation reaches. */
export function TalkPanel({ workflowId, isUnsaved = false, onPosition }: Props) {
  const endTest = useEndTest();
  const [talk, setTalk] = useState<Talk | null>(null);
  const current = useRef({ talk, onPosition });
  current.current = { talk, onPosition };
  // The test ends with the panel, and the microphone does not stay on.
  useEffect(
    () => () => {
      if (!current.current.talk) return;
      const { callId, room } = current.current.talk;
      current.current.onPosition?.(NOWHERE);
      void room?.leave();
      void endTest(callId);
    },
    [endTest],
  );
  const again = () => {
    setTalk(null);
    onPosition?.(NOWHERE);
  };
  if (!talk) return <Start workflowId={workflowId} isUnsaved={isUnsaved} onStarted={setTalk} />;
  return <Talking key={talk.callId} talk={talk} onPosition={onPosition} onAgain={again} />;
}

interface TalkingProps {
  talk: Talk;
  onPosition: Props["onPosition"];
  onAgain(): void;
}

function Talking({ talk: { callId, room }, onPosition, onAgain }: TalkingProps) {
  const live = useLiveCall(callId);
  const isLive = !live.ended;
  const { story, send } = useConversation(live);
  const visited = useVisited(live.events);
  useEffect(() => onPosition?.(positionsOf(visited, isLive)), [visited, isLive, onPosition]);
  useEffect(() => {
    if (!isLive) void room?.leave();
  }, [isLive, room]);
  return (
    <div className="grid gap-3 p-4">
      <Progress state={live.state ?? "PENDING"} isLive={isLive} visited={visited} />
      {live.status === "FAILED" && live.error && (
        <Notice tone="bad">The events of the call cannot be followed: {live.error.message}</Notice>
      )}
      {isLive && (
        <div className="flex flex-wrap items-center gap-2">
          {room && <VoiceOfCaller room={room} />}
          <EndTest end={live.end} />
        </div>
      )}
      <div className="min-w-0 rounded-lg border">
        {story.length ? (
          <Conversation story={story} isLive={isLive}>
            {isLive && !room && <Composer send={send} />}
          </Conversation>
        ) : (
          <Loading what="the conversation">
            <div className="grid gap-4 p-4">
              <Skeleton className="h-10 w-2/3" />
              <Skeleton className="ml-auto h-10 w-1/2" />
            </div>
          </Loading>
        )}
      </div>
      {!isLive && (
        <div className="flex flex-wrap gap-2">
          <Button kind="primary" icon="refresh" onClick={onAgain}>
            Talk again
          </Button>
          <Link href={`/call/?id=${encodeURIComponent(callId)}`} className={buttonClass("secondary")}>
            Open the call
          </Link>
        </div>
      )}
    </div>
  );
}

function Progress({ state, isLive, visited }: { state: Parameters<typeof stateOf>[0]; isLive: boolean; visited: readonly string[] }) {
  const { label, tone } = stateOf(state);
  return (
    <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1 text-sm">
      <Badge tone={tone} live={isLive}>
        {label}
      </Badge>
      <span className="sr-only">Nodes: </span>
      <span className="min-w-0 font-mono text-xs break-words text-muted">{visited.join(" → ")}</span>
    </p>
  );
}

/** The controls of the microphone, until the room is left. */
function VoiceOfCaller({ room }: { room: NonNullable<Talk["room"]> }) {
  const [isLeft, setLeft] = useState(false);
  if (isLeft) return <p className="text-sm text-warn">The voice connection has ended.</p>;
  return <VoiceControls room={room} onLeft={() => setLeft(true)} />;
}

function EndTest({ end }: Pick<ReturnType<typeof useLiveCall>, "end">) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const stop = async () => {
    setBusy(true);
    const result = await end();
    setBusy(false);
    setProblem(result.ok ? "" : messageOf(result.error));
  };
  return (
    <>
      <Button icon="stop" busy={isBusy} onClick={() => void stop()}>
        Hang up
      </Button>
      {problem && <Notice tone="bad">{problem}</Notice>}
    </>
  );
}
