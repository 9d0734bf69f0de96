"use client";

import type { LiveCall, LiveCallState, Turn } from "agent-studio-client";
import { useCallback, useMemo, useRef, useState } from "react";
import { Story, type Entry } from "./story";

interface Sent {
  readonly key: string;
  readonly text: string;
  /** The turn that it becomes, once the API has accepted it. */
  readonly turnId: string | null;
  /** The number of turns when it was sent. */
  readonly before: number;
}

let last = 0;

/** The conversation of a call, in which words that are sent stand at once, and only until the log has them or they are refused. */
export function useConversation(live: LiveCallState & Pick<LiveCall, "send">) {
  const { events, turns, send } = live;
  const [collected] = useState(() => new Story());
  const [sent, setSent] = useState<readonly Sent[]>([]);
  const count = useRef(0);
  count.current = turns.length;
  const story = useMemo(() => collected.read(events, turns), [collected, events, turns]);
  const sending = useMemo(() => sent.filter((each) => !isIn(turns, each)), [sent, turns]);
  const sendShown = useCallback<LiveCall["send"]>(
    async (text) => {
      const key = `sent ${++last}`;
      setSent((all) => [...all, { key, text, turnId: null, before: count.current }]);
      const result = await send(text);
      const turnId = result.ok ? result.value.turnId : null;
      setSent((all) => all.flatMap((each) => (each.key !== key ? each : turnId ? { ...each, turnId } : [])));
      return result;
    },
    [send],
  );
  return { story: useMemo(() => [...story, ...sending.map(entryOf)], [story, sending]), send: sendShown };
}

function isIn(turns: readonly Turn[], { turnId, text, before }: Sent): boolean {
  if (turnId) return turns.some((turn) => turn.turnId === turnId);
  // The log may have it before the response arrives.
  return turns.slice(before).some((turn) => turn.speaker === "CALLER" && turn.text === text);
}

const entryOf = ({ key, text }: Sent): Entry => ({
  kind: "TURN",
  key,
  at: null,
  turn: { speaker: "CALLER", agent: null, text, heardText: null, interrupted: false, partial: true, isSending: true, measured: null },
});
