"use client";

import type { LiveCall, LiveCallState, Turn } from "agent-studio-client";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { sentWords, Story } from "./story";

interface Sent {
  readonly key: string;
  readonly text: string;
  /** The turn that it becomes; null until the API has accepted it. */
  readonly turnId: string | null;
  /** The number of turns when it was sent. */
  readonly before: number;
}

let last = 0;

/** The conversation of a call. Words that are sent are shown at once, until the log has them or the API refuses them. */
export function useConversation(live: LiveCallState & Pick<LiveCall, "send">) {
  const { events, turns, ended, send } = live;
  const [collected] = useState(() => new Story());
  const [sent, setSent] = useState<readonly Sent[]>([]);
  const count = useRef(0);
  count.current = turns.length;
  const accepted = useRef(new Set<string>());
  const isOver = ended !== null;
  const waiting = useMemo(() => sent.filter((each) => !isIn(turns, each, accepted.current)), [sent, turns]);
  useEffect(() => {
    if (waiting.length < sent.length) setSent(waiting);
  }, [waiting, sent]);
  const sendShown = useCallback<LiveCall["send"]>(
    async (text) => {
      const key = `sent ${++last}`;
      setSent((all) => [...all, { key, text, turnId: null, before: count.current }]);
      const result = await send(text);
      const turnId = result.ok ? result.value.turnId : null;
      if (turnId) accepted.current.add(turnId);
      setSent((all) => all.flatMap((each) => (each.key !== key ? each : turnId ? { ...each, turnId } : [])));
      return result;
    },
    [send],
  );
  const story = useMemo(() => collected.read(events, turns), [collected, events, turns]);
  const shown = useMemo(
    () => (waiting.length ? [...story, ...waiting.map(({ key, text }) => sentWords(key, text, isOver ? "LOST" : "SENDING"))] : story),
    [story, waiting, isOver],
  );
  return { story: shown, send: sendShown };
}

function isIn(turns: readonly Turn[], { turnId, text, before }: Sent, accepted: ReadonlySet<string>): boolean {
  if (turnId) return turns.some((turn) => turn.turnId === turnId);
  // The log may have it before the response arrives. Turns of earlier messages can have the same text.
  return turns.slice(before).some((turn) => turn.speaker === "CALLER" && turn.text === text && !accepted.has(turn.turnId));
}
