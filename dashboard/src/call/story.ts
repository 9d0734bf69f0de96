// The conversation of a call as its page shows it: turns, tool calls and hand-offs in order, and what else happened in
// plain words. It is derived from the events alone, so it is the same live and afterwards.

import type { CallEvent, CallEventOf, ToolCall, Turn } from "agent-studio-client";
import { clock, milliseconds, seconds } from "@/data/format";
import { PARTIES, plain, reasonOf } from "@/data/words";
import type { IconName } from "@/ui/icons";

export type Entry =
  | { readonly kind: "TURN"; readonly key: string; readonly at: string | null; readonly turn: Spoken }
  | { readonly kind: "TOOL"; readonly key: string; readonly at: string; readonly call: ToolCall; readonly changes: readonly Change[] }
  | { readonly kind: "NOTE"; readonly key: string; readonly at: string; readonly note: Note };

export interface Spoken {
  readonly speaker: "CALLER" | "AGENT";
  readonly agent: string | null;
  readonly text: string;
  /** The start of the text that the caller heard; null for the caller's own words and for words that are being spoken. */
  readonly heardText: string | null;
  readonly interrupted: boolean;
  readonly partial: boolean;
  /** Of written words that the log does not have: whether they are on the way, or the call ended before they were read. */
  readonly delivery: "SENDING" | "LOST" | null;
  readonly measured: CallEventOf<"TurnMeasured"> | null;
}

export interface Note {
  readonly tone: "plain" | "move" | "warn" | "bad";
  readonly icon: IconName;
  readonly text: string;
  readonly detail?: string | undefined;
}

/** A change of the context while a tool ran. */
export type Change = Pick<CallEventOf<"ContextChanged">, "path" | "value" | "removed">;

const FAILURES: Record<string, string> = {
  stt: "The speech recognition failed",
  llm: "The model failed",
  tts: "The voice failed",
  summary: "The summary for the next agent failed",
  room: "Joining the room failed",
  recording: "The recording failed",
  config: "The configuration is not complete",
  internal: "An internal error occurred",
};

const PROVIDERS: Record<string, string> = { STT: "The speech recognition", LLM: "The model", TTS: "The voice", VAD: "The voice detection", TRUNK: "The trunk" };
const VIA: Record<string, string> = {
  MODEL: "requested by the model",
  CONDITION: "its condition became true",
  TOOL: "requested by a tool",
  DEFAULT: "the default connection",
  OPERATOR: "requested by an operator",
};
const POLICIES: Record<string, string> = {
  FULL: "with the whole conversation",
  LAST_N: "with the last turns",
  SUMMARY: "with a summary",
  VARIABLES_ONLY: "with the shared context only",
};

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);
const sip = (status: number | null | undefined) => (status ? ` (SIP ${status})` : "");

/** What to say about an event that is no turn and no tool call; null for what the page shows elsewhere. */
export function noteOf(event: CallEvent): Note | null {
  switch (event.__typename) {
    case "HandedOff": {
      const skipped = event.skipped.length ? `, past ${event.skipped.join(", ")}` : "";
      const detail = event.summary ?? (event.contextPassed.length ? `Passed on: ${event.contextPassed.join(", ")}` : undefined);
      const policy = POLICIES[event.contextPolicy] ?? plain(event.contextPolicy);
      return move(`${event.fromNode} handed off to ${event.toNode}${skipped}: ${VIA[event.via] ?? plain(event.via)}, ${policy}.`, detail);
    }
    case "HandoffRefused":
      return warn("swap", `The hand-off from ${event.fromNode} to ${event.toNode} was refused: ${sentence(event.message)}`);
    case "ErrorRaised":
      return {
        tone: event.recoverable ? "warn" : "bad",
        icon: "warning",
        text: `${FAILURES[event.source] ?? `${event.source} failed`}: ${sentence(event.message)} ${event.recoverable ? "The call continued." : "The call could not continue."}`,
      };
    case "WorkerReplaced":
      return warn("refresh", "The worker was lost or stopped. Another one continued the call from here.");
    case "WorkerLeft":
      return said("refresh", "The worker was stopping and released the call between two turns.");
    case "ProviderFailedOver": {
      const who = `${PROVIDERS[event.providerKind] ?? event.providerKind} ${event.provider} ${event.model}`.trim();
      return event.available ? said("check", `${who} is available again.`) : warn("warning", `${who} failed. The next provider took over.`);
    }
    case "CommandRefused":
      return warn("warning", `The command ${plain(event.command)} was refused: ${sentence(event.message)}`);
    case "CallerPresent":
      return said("people", event.present ? "The caller is in the room." : "The caller left, or their connection was lost. The agent waited.");
    case "CallerSilent":
      return said("clock", `The caller was silent for ${seconds(milliseconds(event.duration))}.`);
    case "RecordingStarted":
      return said("info", `The recording began${event.announced ? ", and the agent announced it" : ""}.`);
    case "DialStarted":
      return said("phone", `${event.toNumber} was dialled over ${event.trunk}.`);
    case "DialFailed":
      return warn("phone", `${reasonOf(event.reason).text.replace(/\.$/, "")}${sip(event.sipStatus)}.`);
    case "CallAnswered":
      return said("phone", `The phone was answered${event.after ? ` after ${seconds(milliseconds(event.after))}` : ""}.`);
    case "AnsweredBy": {
      const quote = event.quote ? `“${event.quote}”` : undefined;
      return said("phone", `${PARTIES[event.by] ?? plain(event.by)} answered.`.replace(/^./, (first) => first.toUpperCase()), quote);
    }
    case "MessageLeft":
      return said("phone", `The agent left its message ${event.toneHeard ? "after the tone" : "without a tone"}.`, `“${event.text}”`);
    case "ScreenerAnswered":
      return said("phone", "A call screener asked who is calling.", `“${event.text}”`);
    case "DtmfSent":
      return said("phone", `The agent pressed ${event.digits}.`);
    case "DtmfReceived":
      return said("phone", `The caller pressed ${event.digits}.`);
    case "DtmfRequested":
      return said("phone", `The caller was asked for ${event.masked ? "secret digits" : "digits"}: ${event.name}.`);
    case "DtmfCollected": {
      const keys = event.masked ? `${event.count} secret keys` : event.pressed || "no key";
      return event.complete ? said("phone", `${event.name}: the caller pressed ${keys}.`) : warn("phone", `${event.name}: the caller pressed ${keys}, which is not what was asked for.`);
    }
    case "TransferStarted":
      return move(`A ${plain(event.mode)} transfer to ${event.number} began.`);
    case "TransferAdvanced":
      return move(`Transfer: ${plain(event.phase)}.`, event.brief ?? undefined);
    case "TransferFailed":
      return warn("swap", `The transfer failed: ${plain(event.failure)}${sip(event.sipStatus)}. The agent has the caller back.`);
    case "TransferIsolationLost":
      return warn("swap", "The caller and the colleague may have heard each other before the transfer was accepted.");
    case "CallerQueued":
      return said("clock", `All workers were busy. The caller ${event.stage === "HOLD" ? "was on hold" : "heard ringing"}, at position ${event.position}.`);
    case "CallerDequeued":
      return said("clock", `An agent was free after ${seconds(milliseconds(event.waited))}.`);
    case "NewDestination":
      return said("globe", `This was the first call to ${event.region}.`);
    case "CallEnded": {
      const length = milliseconds(event.duration);
      const text = `${reasonOf(event.reason).text}${length ? ` The call lasted ${clock(length)}.` : ""}`;
      return { tone: event.state === "FAILED" ? "bad" : "plain", icon: "stop", text };
    }
    default:
      return null;
  }
}

const said = (icon: IconName, text: string, detail?: string): Note => ({ tone: "plain", icon, text, detail });
const warn = (icon: IconName, text: string): Note => ({ tone: "warn", icon, text });
const move = (text: string, detail?: string): Note => ({ tone: "move", icon: "swap", text, detail });

/** Collects the conversation while events arrive, so that each event costs the same in a long call. */
export class Story {
  #entries: Entry[] = [];
  #tools = new Map<string, number>();
  #running = new Set<string>();
  #reply = -1;
  #count = 0;
  #last: CallEvent | undefined;

  /** The entries in the order of the log, and at the end the words that are being spoken. */
  read(events: readonly CallEvent[], turns: readonly Turn[]): readonly Entry[] {
    // Only what is new is added, unless the log was read again from its start or its oldest events were dropped.
    if (events[this.#count - 1] !== this.#last) this.#clear();
    for (const event of events.slice(this.#count)) this.#add(event);
    this.#count = events.length;
    this.#last = events.at(-1);
    return [...this.#entries, ...turns.filter(({ partial }) => partial).map(spoken)];
  }

  #clear() {
    this.#entries = [];
    this.#tools.clear();
    this.#running.clear();
    this.#reply = -1;
    this.#count = 0;
  }

  #add(event: CallEvent) {
    const { seq, at } = event;
    const entries = this.#entries;
    switch (event.__typename) {
      case "UserTurn":
        entries.push({ kind: "TURN", key: `${seq}`, at, turn: { ...NOTHING, speaker: "CALLER", text: event.text } });
        break;
      case "AgentTurn":
        this.#reply = entries.length;
        entries.push({ kind: "TURN", key: `${seq}`, at, turn: { ...NOTHING, ...event, speaker: "AGENT" } });
        break;
      case "TurnMeasured": {
        const entry = entries[this.#reply];
        if (entry?.kind === "TURN") entries[this.#reply] = { ...entry, turn: { ...entry.turn, measured: event } };
        break;
      }
      case "ToolStarted":
      case "ToolFinished":
        this.#addTool(event);
        break;
      case "ContextChanged":
        for (const id of this.#running) this.#addChange(id, event);
        break;
      default: {
        const note = noteOf(event);
        if (note) entries.push({ kind: "NOTE", key: `${seq}`, at, note });
      }
    }
  }

  /** A call that was refused has no start. */
  #addTool(event: CallEventOf<"ToolStarted"> | CallEventOf<"ToolFinished">) {
    const { toolCallId, tool, node, at } = event;
    const index = this.#tools.get(toolCallId) ?? this.#entries.length;
    const known = this.#entries[index];
    const started = known?.kind === "TOOL" ? known : null;
    const finished = event.__typename === "ToolFinished" ? event : null;
    if (finished) this.#running.delete(toolCallId);
    else this.#running.add(toolCallId);
    this.#tools.set(toolCallId, index);
    this.#entries[index] = {
      kind: "TOOL",
      key: started?.key ?? `${event.seq}`,
      at: started?.at ?? at,
      changes: started?.changes ?? [],
      call: {
        ...{ toolCallId, tool, node, arguments: event.arguments, startedAt: started?.at ?? at },
        outcome: finished?.outcome ?? null,
        result: finished?.result ?? null,
        duration: finished?.duration ?? null,
      },
    };
  }

  #addChange(toolCallId: string, change: Change) {
    const index = this.#tools.get(toolCallId) ?? -1;
    const entry = this.#entries[index];
    if (entry?.kind === "TOOL") this.#entries[index] = { ...entry, changes: [...entry.changes, change] };
  }
}

const spoken = ({ speaker, agent, text, partial }: Turn): Entry => ({
  kind: "TURN",
  key: speaker,
  at: null,
  turn: { ...NOTHING, speaker, agent, text, partial },
});

/** Written words that the log does not have. */
export const sentWords = (key: string, text: string, delivery: Spoken["delivery"]): Entry => ({
  kind: "TURN",
  key,
  at: null,
  turn: { ...NOTHING, speaker: "CALLER", text, partial: true, delivery },
});

const NOTHING = { agent: null, heardText: null, interrupted: false, partial: false, delivery: null, measured: null };
