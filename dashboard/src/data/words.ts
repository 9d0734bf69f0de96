// The names of states, reasons and parties for people. A value that a newer API adds is shown as it is.

import type { AnsweringParty, Blame, CallKind, CallState, Direction, EndReason } from "@/gql/call";
import type { Tone } from "@/ui/badge";

export const STATES: Record<CallState, { label: string; tone: Tone }> = {
  PENDING: { label: "Waiting", tone: "info" },
  CONNECTING: { label: "Connecting", tone: "info" },
  DIALING: { label: "Dialling", tone: "info" },
  RINGING: { label: "Ringing", tone: "info" },
  ACTIVE: { label: "In conversation", tone: "accent" },
  ENDING: { label: "Saying goodbye", tone: "accent" },
  COMPLETED: { label: "Completed", tone: "ok" },
  NO_ANSWER: { label: "Not answered", tone: "warn" },
  BUSY: { label: "Busy", tone: "warn" },
  FAILED: { label: "Failed", tone: "bad" },
  CANCELED: { label: "Canceled", tone: "neutral" },
};

export const KINDS: Record<CallKind, { label: string; icon: "globe" | "phone" | "text" }> = {
  VOIP: { label: "Browser or app", icon: "globe" },
  SIP: { label: "Phone", icon: "phone" },
  TEXT: { label: "Text", icon: "text" },
};

export const DIRECTIONS: Record<Direction, string> = { INBOUND: "Inbound", OUTBOUND: "Outbound" };

export const REASONS: Record<EndReason, { label: string; text: string }> = {
  HUNG_UP_BY_USER: { label: "Caller hung up", text: "The caller hung up." },
  ENDED_BY_AGENT: { label: "Ended by the agent", text: "A tool of the agent ended the call." },
  WORKFLOW_FINISHED: { label: "Workflow finished", text: "The agent of an exit node ended the call." },
  TRANSFERRED: { label: "Transferred", text: "The caller was transferred to another number." },
  ENDED_BY_API: { label: "Ended by an operator", text: "An operator or a program ended the call." },
  NO_ANSWER: { label: "No answer", text: "The call was not answered." },
  BUSY: { label: "Busy", text: "The line was busy." },
  DECLINED: { label: "Declined", text: "The callee declined the call." },
  INVALID_NUMBER: { label: "Invalid number", text: "The phone number does not exist." },
  VOICEMAIL: { label: "Voicemail", text: "A mailbox took the call." },
  SILENCE: { label: "Silence", text: "The caller was silent for too long." },
  MAX_DURATION: { label: "Too long", text: "The call reached its maximum duration." },
  NO_WORKER: { label: "No worker", text: "No worker took the call in time. Check that one is running and has room." },
  WORKER_LOST: { label: "Worker lost", text: "The worker was lost, and no other one continued the call in time." },
  ROOM_GONE: { label: "Room closed", text: "The room on the LiveKit server was closed, or could not be reached." },
  DIAL_UNKNOWN: { label: "Dial unknown", text: "It is unknown what became of the dial. The number is not dialled again." },
  PROVIDER_FAILED: { label: "Provider failed", text: "A provider failed, or its key is missing." },
  TRUNK_FAILED: { label: "Trunk failed", text: "The SIP trunk failed." },
  CANCELED: { label: "Canceled", text: "The call was ended before it was answered." },
  BUDGET_SPENT: { label: "Budget spent", text: "A budget is exhausted. Raise it in the settings." },
  INTERNAL: { label: "Internal error", text: "The platform failed. The log of the worker says more." },
  UNREACHABLE: { label: "Unreachable", text: "The phone did not ring, for instance because it is switched off." },
  CARRIER_REFUSED: { label: "Refused by the carrier", text: "The carrier refused the call." },
  TRUNK_UNAUTHORIZED: { label: "Trunk not authorized", text: "The carrier did not accept the credentials of the trunk." },
  TELEPHONY_UNAVAILABLE: { label: "Telephony unavailable", text: "The telephony of this installation failed." },
  DIAL_NOT_ALLOWED: { label: "Dial not allowed", text: "When the call was due, its trunk, its number, the hour or a budget did not allow it." },
  TRUNK_LIMIT: { label: "Trunk at its limit", text: "The limits of the trunk did not allow the call in time." },
  LINE_LOST: { label: "Line lost", text: "The telephone line was lost during the conversation." },
  MESSAGE_LEFT: { label: "Message left", text: "A mailbox answered, and the agent left its message." },
  SCREENED_OUT: { label: "Screened out", text: "A call screener answered, and the callee did not take the call." },
  MACHINE_ANSWERED: { label: "Machine answered", text: "A voice menu or a fax answered, and the call was ended." },
  ABANDONED: { label: "Abandoned", text: "The caller hung up while they were on hold." },
  TENANT_SUSPENDED: { label: "Tenant suspended", text: "The operator of the installation suspended or deleted the tenant." },
};

export const BLAMES: Record<Blame, string> = {
  CALLER: "Caller",
  AGENT: "Agent",
  API: "Operator",
  PROVIDER: "Provider",
  CARRIER: "Carrier",
  PLATFORM: "Installation",
  CONFIG: "Configuration",
};

export const PARTIES: Record<AnsweringParty, string> = {
  PERSON: "a person",
  VOICEMAIL: "a mailbox",
  SCREENER: "a call screener",
  IVR: "a voice menu",
  NO_MESSAGE: "a mailbox that takes no message",
  UNREACHABLE: "an announcement that the number cannot be reached",
  FAX: "a fax",
  UNSURE: "a person or a machine",
};

export const plain = (value: string): string => value.toLowerCase().replaceAll("_", " ");
export const stateOf = (state: CallState) => STATES[state] ?? { label: plain(state), tone: "neutral" as const };
export const reasonOf = (reason: EndReason) => REASONS[reason] ?? { label: plain(reason), text: plain(reason) };

/** The colour of the cause of an end: what the installation, a provider or a carrier did is bad, what the caller did is not. */
export const toneOfBlame = (blame: Blame | null): Tone =>
  blame === "PLATFORM" || blame === "PROVIDER" || blame === "CARRIER" || blame === "CONFIG" ? "bad" : "neutral";

const BUDGETS: Record<string, string> = {
  CONCURRENT_CALLS: "Calls at the same time",
  MINUTES_PER_MONTH: "Minutes this month",
  SPEND_PER_MONTH: "Dollars this month",
  REQUESTS_PER_MINUTE: "Requests per minute",
  SOCKETS: "Open WebSockets",
  SUBSCRIPTIONS: "Open subscriptions",
  AGENTS: "Agents",
  TOOLS: "Tools",
  WORKFLOWS: "Workflows",
  STORAGE_MEGABYTES: "Megabytes stored",
};

export const budgetName = (budget: string): string => BUDGETS[budget] ?? plain(budget);
