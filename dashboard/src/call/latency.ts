// The latency of a reply as steps, from the end of the caller's speech to the first audio that the caller hears.

import type { CallEventOf } from "agent-studio-client";
import { milliseconds } from "@/data/format";

export interface Step {
  readonly name: string;
  /** Number of its colour in tokens.css. */
  readonly colour: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  readonly from: number;
  readonly until: number;
}

/** Differences below this are rounding. */
const MIN_REST_MS = 20;

export function stepsOf(turn: CallEventOf<"TurnMeasured">): readonly Step[] {
  if (!turn.firstAudio) return [];
  const ms = (duration: string | null | undefined) => (duration ? milliseconds(duration) : null);
  const end = milliseconds(turn.firstAudio);
  const atEar = Math.max(end, ms(turn.atEar) ?? end);
  const steps: Step[] = [];
  let now = 0;
  const add = (name: string, colour: Step["colour"], length: number, limit = end) => {
    const until = Math.min(limit, now + Math.max(0, length));
    if (until > now) steps.push({ name, colour, from: now, until });
    now = Math.max(now, until);
  };
  const endOfTurn = ms(turn.endOfTurn);
  add("Speech recognition", 1, Math.min(ms(turn.stt) ?? 0, endOfTurn ?? Infinity));
  add("End of turn detected", 2, (endOfTurn ?? now) - now);
  const known = [turn.llmFirstToken, turn.ttsFirstByte, turn.playback].reduce((sum, part) => sum + (ms(part) ?? 0), 0);
  const rest = end - now - known;
  if (rest > MIN_REST_MS) add("Tools and hand-offs", 3, rest);
  add("First token of the model", 4, ms(turn.llmFirstToken) ?? 0);
  add("First audio of the voice", 5, ms(turn.ttsFirstByte) ?? 0);
  add("Playback", 6, end - now);
  add(turn.line ? "Telephone line and network, estimated" : "Network, estimated", 7, atEar - end, atEar);
  return steps;
}
