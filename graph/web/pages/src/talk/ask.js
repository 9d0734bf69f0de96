// The operations of this page. An error response is thrown with the message of the API.

import { connect, cursorOf, post, reason } from "../shared/api.js";
import CALL from "./call.graphql";
import END from "./end-call.graphql";
import FOLLOW from "./follow-call.graphql";
import JOIN from "./join-call.graphql";
import RECORDING from "./recording.graphql";
import START from "./start-call.graphql";
import WORKFLOWS from "./workflows.graphql";

const TIMEOUT_MS = 15_000;

export class ApiError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

export async function publishedWorkflows() {
  const published = [];
  for (let after = null; ; ) {
    const { workflows } = await ask(WORKFLOWS, { after });
    published.push(...workflows.edges.map(({ node }) => node).filter((node) => node.published));
    if (!workflows.pageInfo.hasNextPage) return published;
    after = workflows.pageInfo.endCursor;
  }
}

/** Start a call: the call and the room access. The same key returns the same call. */
export const startCall = async (slug, key) => done((await ask(START, { slug, key })).startCall);
export const joinCall = async (callId) => done((await ask(JOIN, { callId })).joinCall).join;
export const endCall = async (callId) => done((await ask(END, { callId })).endCall);

/** Null for a call that does not exist, and for what is not the id of a call. */
export const fetchCall = async (id) => {
  try {
    return (await ask(CALL, { id })).call;
  } catch (error) {
    if (error.code === "INVALID_INPUT") return null;
    throw error;
  }
};

/** The recording; null if the call is not recorded. */
export const recordingOf = async (id) => (await ask(RECORDING, { id })).call?.recording ?? null;

/** Subscribe to every event from the first one on, across lost connections, until the last one. */
export function follow(callId, { next, done, lost, back, failed }) {
  const payload = { query: FOLLOW, variables: { callId, after: null } };
  return connect({}, back, lost).subscribe(payload, {
    next(result) {
      if (result.errors) return failed(result.errors[0].message);
      // After a lost connection the client sends this payload again.
      payload.variables.after = cursorOf(result.data) ?? payload.variables.after;
      next(result.data.callEvents);
    },
    error: (cause) => failed(Array.isArray(cause) ? cause[0].message : reason(cause)),
    complete: done,
  });
}

async function ask(query, variables) {
  const result = await post({ query, variables }, {}, AbortSignal.timeout(TIMEOUT_MS));
  if (!result.data || result.errors) {
    const [error] = result.errors ?? [{ message: "The API did not respond with data." }];
    throw new ApiError(error.message, error.extensions?.code);
  }
  return result.data;
}

function done(result) {
  if (result.message !== undefined) throw new ApiError(result.message, result.__typename);
  return result;
}
