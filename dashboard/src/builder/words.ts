// The names of choices for people.

import type { Answering, ContextPolicy, EntryAction, Transfer } from "./model";

interface Choice {
  readonly label: string;
  readonly hint: string;
}

export const ENTRY_ACTIONS: Record<EntryAction, Choice> = {
  CONVERSE: { label: "Talk with the caller", hint: "The agent speaks, then listens." },
  ROUTE: { label: "Hand off at once", hint: "After its greeting, the agent hands the conversation off along a connection." },
  END_CALL: { label: "Say goodbye and end the call", hint: "The agent says its greeting, or one reply, and the call ends." },
  TRANSFER_CALL: {
    label: "Transfer the call",
    hint: "If the transfer fails, the conversation takes the default connection, or the agent talks.",
  },
};

export const CONTEXT_POLICIES: Record<ContextPolicy, Choice> = {
  FULL: { label: "The whole conversation", hint: "With the results of tools." },
  LAST_N: { label: "The last turns", hint: "And the keys that are passed on." },
  SUMMARY: { label: "A summary", hint: "Written by the model of the next agent; the last turns if that fails." },
  VARIABLES_ONLY: { label: "Only the keys", hint: "And what the caller said last." },
};

export const TRANSFER_MODES: Record<Transfer["mode"], Choice> = {
  COLD: { label: "Cold", hint: "The carrier connects the caller with the number, and the call ends here." },
  WARM: { label: "Warm", hint: "The agent briefs the colleague first, and connects both if they take the call." },
};

export const VOICEMAIL: Record<Answering["voicemail"], string> = { TALK: "Talk", LEAVE_MESSAGE: "Leave a message", HANG_UP: "Hang up" };
export const SCREENER: Record<Answering["screener"], string> = { TALK: "Talk", ANSWER: "Introduce itself and wait", HANG_UP: "Hang up" };
export const IVR: Record<Answering["ivr"], string> = { TALK: "Talk", NAVIGATE: "Press keys until a person answers", HANG_UP: "Hang up" };
