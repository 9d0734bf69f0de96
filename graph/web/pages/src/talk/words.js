// What the page says, in one place: reasons, problems, and what can be done about them.

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
  NO_ANSWER: "Nobody joined the call in time.",
  BUSY: "The line was busy.",
  DECLINED: "The call was declined.",
  INVALID_NUMBER: "The number does not exist.",
  VOICEMAIL: "A machine answered.",
  SILENCE: "Nothing was said for too long.",
  MAX_DURATION: "The call reached its longest duration.",
  NO_WORKER: "No worker took the call in time. Is one running? ./studio status tells.",
  WORKER_LOST: "The worker was lost and no other came in time. ./studio logs worker tells why.",
  ROOM_GONE: "The room was closed on the LiveKit server.",
  PROVIDER_FAILED:
    "A provider failed or its key is missing. Check the keys for hearing, model and voice.",
  BUDGET_SPENT: "The budget was spent. Raise it in the settings to go on.",
  CANCELED: "The call was ended before a worker took it.",
  INTERNAL: "Something broke on the platform. ./studio logs worker tells what.",
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

export const because = ({ reason, blame }, byUs) =>
  byUs && reason === "ENDED_BY_API"
    ? "You hung up."
    : (REASONS[reason] ?? `${reason.toLowerCase().replaceAll("_", " ")}.`);

export const whose = (blame) => BLAMES[blame] ?? blame.toLowerCase();

export const VIA = {
  MODEL: "the model asked for it",
  CONDITION: "its condition turned true",
  TOOL: "a tool asked for it",
  OPERATOR: "an operator asked for it",
};

export const OUTCOMES = {
  SUCCEEDED: "succeeded",
  FAILED: "failed",
  REFUSED: "refused: the arguments were not acceptable",
  UNKNOWN: "outcome unknown: the worker was lost while it ran",
};

export const RECORDINGS = {
  RECORDING: "The recording is being made…",
  PROCESSING: "The recording is being made…",
  FAILED: "The recording could not be made.",
  DELETED: "The recording was deleted.",
};

export const RECORDING_LATER = "The recording is not ready yet. Load this page again later.";
export const NOT_PLAYABLE = "This browser cannot play it here.";

export const KINDS = { STT: "Hearing", LLM: "The model", TTS: "The voice", VAD: "Voice detection" };

export const NO_MICROPHONES_HERE =
  "Browsers give the microphone only to https pages and to localhost. Open this page as " +
  "https://…, or on the machine itself as http://localhost.";
export const NO_LIVEKIT =
  "Voice calls need a LiveKit server, and this installation has none. Set LIVEKIT_URL, " +
  "LIVEKIT_API_KEY and LIVEKIT_API_SECRET and restart; ./studio up brings one where it can, and " +
  "says why where it cannot.";

const MICROPHONE = {
  NotAllowedError:
    "This page may not use the microphone. Allow it in the site settings beside the address, " +
    "then try again. If it is allowed there, look into the system's privacy settings.",
  NotFoundError: "No microphone was found. Plug one in, or choose one in the system's settings.",
  NotReadableError: "The microphone is in use by another program. Close that and try again.",
};

export const microphoneProblem = (error) =>
  MICROPHONE[error.name] ?? `The microphone cannot be used: ${error.message}`;

export const unreachable = (url) =>
  `LiveKit at ${url} did not let you in. Is it reachable from this browser? Its port and UDP ` +
  "must be open, and LIVEKIT_PUBLIC_URL must be an address that browsers can reach.";

/** Why LiveKit ended our connection while the call went on. */
export function putOut(reason) {
  switch (reason) {
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "This call goes on in another tab or browser. Going on here ends it there.";
    case DisconnectReason.PARTICIPANT_REMOVED:
      return "You were put out of the room.";
    default:
      return "The connection to the room was lost. The call waits for you for a short while.";
  }
}

export const seconds = (ms) => (ms === null ? "–" : `${(ms / 1000).toFixed(2)} s`);

export function clock(ms) {
  const whole = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export const shown = (value) => JSON.stringify(value) ?? "null";
