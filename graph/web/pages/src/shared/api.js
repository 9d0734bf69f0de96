// How operations reach the API: queries and mutations by HTTP, subscriptions by graphql-ws.

import { CloseCode, createClient } from "graphql-ws";
import { judged, otherToken, token } from "./session.js";

const ENDPOINT = new URL("/graphql", location.origin);
const SOCKET = new URL(ENDPOINT.href.replace(/^http/, "ws"));
const PATIENCE = 1000; // reconnections in a row, some hours
const UNAUTHORIZED = [CloseCode.Unauthorized, CloseCode.Forbidden];

/** What a page adds to the user's own headers, which win, and the token in it. */
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
    return failure("The API cannot be reached.");
  }
  const result = await response.json().catch(() => null);
  if (response.status === 401 || isRefusal(result)) judged(added, "REFUSED");
  else if (result?.data) judged(added, "ACCEPTED");
  return result ?? failure(`The API answered ${response.status} ${response.statusText}`);
}

export const failure = (message) => ({ errors: [{ message }] });

const isRefusal = (result) =>
  result?.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED");

export const cursorOf = (data) => Object.values(data ?? {}).find((field) => field?.cursor)?.cursor;

export const reason = (cause) =>
  cause instanceof CloseEvent
    ? `The API closed the subscription: ${cause.code} ${cause.reason}`.trim()
    : String(cause?.message ?? cause);

/** One socket per subscription, so that it always speaks for whoever is signed in now. */
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
    retryAttempts: PATIENCE,
    // Knocking again with what was refused is of no use: wait for another token instead.
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
