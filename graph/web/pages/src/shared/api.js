// Sends operations to the API: queries and mutations by HTTP, subscriptions by graphql-ws.

import { CloseCode, createClient } from "graphql-ws";
import { judged, otherToken, token } from "./session.js";

const ENDPOINT = new URL("/graphql", location.origin);
const SOCKET = new URL(ENDPOINT.href.replace(/^http/, "ws"));
const MAX_RETRIES = 1000; // consecutive reconnections, which take some hours
const UNAUTHORIZED = [CloseCode.Unauthorized, CloseCode.Forbidden];

/** The user's headers, with the token of the page unless they hold a credential; and that token. */
function signed(own) {
  const headers = new Headers(own);
  const added = headers.has("authorization") || headers.has("x-api-key") ? "" : token();
  if (added) headers.set("authorization", `Bearer ${added}`);
  return { headers, added };
}

export async function post(request, own, signal) {
  const { headers, added } = signed(own);
  headers.set("content-type", "application/json");
  headers.set("accept", "application/graphql-response+json, application/json;q=0.9");
  let response;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      headers,
      body: JSON.stringify(request),
      signal,
    });
  } catch {
    return failure("The API is unreachable.");
  }
  const result = await response.json().catch(() => null);
  if (response.status === 401 || isRefusal(result)) judged(added, "REFUSED");
  else if (result?.data) judged(added, "ACCEPTED");
  return result ?? failure(`The API responded with ${response.status} ${response.statusText}`);
}

export const failure = (message) => ({ errors: [{ message }] });

const isRefusal = (result) =>
  result?.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED");

export const cursorOf = (data) => Object.values(data ?? {}).find((field) => field?.cursor)?.cursor;

export const reason = (cause) =>
  cause instanceof CloseEvent
    ? `The API closed the subscription: ${cause.code} ${cause.reason}`.trim()
    : String(cause?.message ?? cause);

/** One socket per subscription, so that it always has the credential of the current user. */
export function connect(own, onReconnected, onLost = () => {}) {
  let used = "";
  let refused = false;
  let silence;
  const client = createClient({
    url: SOCKET.href,
    connectionParams() {
      const { headers, added } = signed(own);
      used = added;
      return Object.fromEntries(headers);
    },
    keepAlive: 12_000,
    retryAttempts: MAX_RETRIES,
    // Retrying with a rejected token is useless: wait for another token instead.
    retryWait: (attempt) => (refused ? otherToken(used) : backOff(attempt)),
    on: {
      connected(_socket, _payload, wasRetry) {
        refused = false;
        judged(used, "ACCEPTED");
        if (wasRetry) onReconnected();
      },
      closed({ code }) {
        clearTimeout(silence);
        refused = UNAUTHORIZED.includes(code);
        if (refused) judged(used, "REFUSED");
        if (code !== 1000) onLost();
      },
      ping(received) {
        if (!received) silence = setTimeout(() => client.terminate(), 5_000);
      },
      pong: () => clearTimeout(silence),
    },
  });
  return client;
}

const backOff = (attempt) =>
  new Promise((resolve) =>
    setTimeout(resolve, Math.min(10_000, 250 * 2 ** attempt) * (0.5 + Math.random() / 2)),
  );
