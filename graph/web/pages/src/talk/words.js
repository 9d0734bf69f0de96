// The texts of the page in one place: reasons, problems, and how to solve them.

import { DisconnectReason } from "livekit-client";

export const STATES = {
  PENDING: "Waiting for an agent",
  CONNECTING: "Connecting",
  DIALING: "Dialling",
  RINGING: "Ringing",
  ACTIVE: "In conversation",
  ENDING: "Saying goodbye",
  COMPLETED: "Ended",
  NO_ANSWER: "Not answered",
  BUSY: "Busy",
  FAILED: "Failed",
  CANCELED: "Canceled",
};

const REASONS = {
  HUNG_UP_BY_USER: "The caller hung up.",
  ENDED_BY_AGENT: "The agent ended the call.",
  WORKFLOW_FINISHED: "The workflow is finished.",
  TRANSFERRED: "The call was transferred.",
  ENDED_BY_API: "The call was ended through the API.",
  NO_ANSWER: "No caller joined the call in time.",
  BUSY: "The line was busy.",
  DECLINED: "The call was declined.",
  INVALID_NUMBER: "The number does not exist.",
  VOICEMAIL: "Voicemail answered the call.",
  SILENCE: "The caller was silent for too long.",
  MAX_DURATION: "The call reached its maximum duration.",
  NO_WORKER: "No worker took the call in time. Check with ./studio status that one is running.",
  WORKER_LOST:
    "The worker was lost, and no other one resumed the call in time. See ./studio logs worker.",
  ROOM_GONE:
    "The room on the LiveKit server was closed, or the worker could not reach it. Check with ./studio status.",
  PROVIDER_FAILED:
    "A provider failed or its key is missing. Check the keys of the speech recognition, the model and the voice.",
  BUDGET_SPENT: "The budget is exhausted. Raise it in the settings to continue.",
  CANCELED: "The call was ended before a worker took it.",
  UNREACHABLE: "The phone could not be reached.",
  LINE_LOST: "The phone line was lost.",
  MESSAGE_LEFT: "The agent left a message.",
  SCREENED_OUT: "A screener did not put the call through.",
  MACHINE_ANSWERED: "A machine answered the call.",
  TELEPHONY_UNAVAILABLE: "The telephony of this installation could not be reached. Check with ./studio status.",
  INTERNAL: "An internal error ended the call. See ./studio logs worker.",
};

const BLAMES = {
  CALLER: "the caller",
  AGENT: "the agent",
  API: "a client of the API",
  PROVIDER: "a provider",
  CARRIER: "the telephone network",
  PLATFORM: "this installation",
  CONFIG: "a setting or the workflow",
};

export const endReasonText = ({ reason, blame }, byUs) =>
  byUs && reason === "HUNG_UP_BY_USER"
    ? "You hung up."
    : (REASONS[reason] ?? `${reason.toLowerCase().replaceAll("_", " ")}.`);

export const blameText = (blame) => BLAMES[blame] ?? blame.toLowerCase();

const PARTIES = {
  PERSON: "a person",
  VOICEMAIL: "a mailbox",
  SCREENER: "a screener",
  IVR: "a voice menu",
  NO_MESSAGE: "a mailbox that takes no message",
  UNREACHABLE: "an announcement that the number cannot be reached",
  FAX: "a fax",
  UNSURE: "a person or a machine, which is not sure",
};

/** Who answered the phone, the evidence, and the words that decided. */
export function answeredByText({ by, evidence, quote, revises }) {
  const party = (name) => PARTIES[name] ?? name.toLowerCase();
  const before = revises ? `, and not ${party(revises)}` : "";
  const why = evidence.map((each) => each.toLowerCase()).join(", ");
  return `The phone was answered by ${party(by)}${before} (${why})${quote ? `: “${quote}”` : "."}`;
}

export const dialFailedText = ({ reason, sipStatus }) =>
  `Not reached: ${reason.toLowerCase().replaceAll("_", " ")}${sipStatus ? ` (SIP ${sipStatus})` : ""}.`;

export const VIA = {
  MODEL: "requested by the model",
  CONDITION: "its condition became true",
  TOOL: "requested by a tool",
  OPERATOR: "requested by an operator",
};

export const OUTCOMES = {
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  REFUSED: "refused: the arguments were not valid",
  UNKNOWN: "outcome unknown: the worker was lost while it ran",
};

export const RECORDINGS = {
  RECORDING: "The recording is being prepared…",
  PROCESSING: "The recording is being prepared…",
  FAILED: "Recording the call failed.",
  DELETED: "The recording was deleted.",
};

export const RECORDING_LATER = "The recording is not ready yet. Reload this page later.";
export const NOT_PLAYABLE = "This browser cannot play the recording here.";

export const KINDS = { STT: "The speech recognition", LLM: "The model", TTS: "The voice", VAD: "The voice detection" };

const FAILURES = {
  stt: "The speech recognition failed",
  llm: "The model failed",
  tts: "The voice failed",
  summary: "The summary for the next agent failed",
  room: "Joining the room failed",
  recording: "The recording failed",
  config: "The configuration is not complete",
  internal: "An internal error occurred",
};

/** What failed, and whether the call continues. Some messages end with a full stop, others do not. */
export function errorText({ source, message, recoverable }) {
  const what = `${FAILURES[source] ?? source}: ${message.replace(/\.$/, "")}.`;
  return `${what} ${recoverable ? "The call continues." : "The call cannot continue."}`;
}

export const NO_MICROPHONES_HERE =
  "Browsers allow the microphone only on https pages and on localhost. Open this page as " +
  "https://…, or as http://localhost on the machine itself.";
export const NO_LIVEKIT =
  "Voice calls need a LiveKit server, and this installation has none. Set LIVEKIT_URL, " +
  "LIVEKIT_API_KEY and LIVEKIT_API_SECRET and restart. ./studio up starts one where it can, and " +
  "reports why where it cannot.";

export const NO_WORKFLOWS =
  "No workflow is published yet. Publish one with publishWorkflow in GraphiQL, or import files with " +
  "./studio import FILE --publish, and reload this page.";

const MICROPHONE = {
  NotAllowedError:
    "This page may not use the microphone. Allow it in the site settings next to the address, " +
    "then try again. If it is allowed there, check the privacy settings of the system.",
  NotFoundError: "No microphone was found. Plug one in, or choose one in the system's settings.",
  NotReadableError: "The microphone is in use by another program. Close that program and try again.",
};

export const microphoneProblem = (error) =>
  MICROPHONE[error.name] ?? `The microphone cannot be used: ${error.message}`;

export const unreachable = (url) =>
  `Connecting to LiveKit at ${url} failed. Check that this browser can reach it: its port and UDP ` +
  "must be open, and LIVEKIT_PUBLIC_URL must be an address that browsers can reach.";

/** Why LiveKit closed the connection while the call continues. */
export function disconnectText(reason) {
  switch (reason) {
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "This call continues in another tab or browser. Continuing here ends it there.";
    case DisconnectReason.PARTICIPANT_REMOVED:
      return "You were removed from the room.";
    default:
      return "The connection to the room was lost. The call waits a short while for you.";
  }
}

export const seconds = (ms) => (ms === null ? "–" : `${(ms / 1000).toFixed(2)} s`);

export function formatDuration(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export const formatValue = (value) => JSON.stringify(value) ?? "null";
