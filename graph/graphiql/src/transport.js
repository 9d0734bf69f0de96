// How operations reach the API: queries and mutations by HTTP, subscriptions by graphql-ws.

import { getOperationAST } from "graphql";
import { CloseCode, createClient } from "graphql-ws";
import { judged, otherToken, token } from "./session.js";

const ENDPOINT = new URL("/graphql", location.origin);
const SOCKET = new URL(ENDPOINT.href.replace(/^http/, "ws"));
const KEPT = 200; // events shown; older ones make room
const PATIENCE = 1000; // reconnections in a row, some hours
const UNAUTHORIZED = [CloseCode.Unauthorized, CloseCode.Forbidden];

export async function fetcher(request, { headers, documentAST } = {}) {
  const operation = documentAST && getOperationAST(documentAST, request.operationName);
  if (operation?.operation === "subscription") return follow(request, operation, headers);
  const result = await post(request, headers);
  // Without any `data` GraphiQL would ask a second time for a schema without subscriptions.
  return request.operationName === "IntrospectionQuery" ? { data: null, ...result } : result;
}

/** What the page adds to the user's own headers, which win, and the token in it. */
function signed(own) {
  const headers = new Headers(own);
  const added = headers.has("authorization") || headers.has("x-api-key") ? "" : token();
  if (added) headers.set("authorization", `Bearer ${added}`);
  return { headers, added };
}

async function post(request, own) {
  const { headers, added } = signed(own);
  headers.set("content-type", "application/json");
  headers.set("accept", "application/graphql-response+json, application/json;q=0.9");
  let response;
  try {
    response = await fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(request) });
  } catch {
    return failure("The API cannot be reached.");
  }
  const result = await response.json().catch(() => null);
  if (response.status === 401 || isRefusal(result)) judged(added, "REFUSED");
  else if (result?.data) judged(added, "ACCEPTED");
  return result ?? failure(`The API answered ${response.status} ${response.statusText}`);
}

const failure = (message) => ({ errors: [{ message }] });

const isRefusal = (result) =>
  result?.errors?.some((error) => error.extensions?.code === "UNAUTHENTICATED");

/** An observable of everything received so far, newest first: GraphiQL shows one value at a time. */
function follow(request, operation, own) {
  return {
    subscribe(sink) {
      const payload = { ...request, variables: { ...request.variables } };
      const resumes = operation.variableDefinitions?.some((v) => v.variable.name.value === "after");
      const newestFirst = [];
      let received = 0;
      let due;

      const client = connect(own, () => {
        if (received && !resumes) newestFirst.unshift("— reconnected: begins anew —");
      });
      const show = (more) => {
        clearTimeout(due);
        due = undefined;
        sink.next({ ...more, received, newestFirst });
      };
      const stop = client.subscribe(payload, {
        next(result) {
          received += 1;
          newestFirst.unshift(result);
          newestFirst.splice(KEPT);
          // The client sends this same payload again after a lost connection.
          const cursor = resumes && cursorOf(result.data);
          if (cursor) payload.variables.after = cursor;
          due ??= setTimeout(show, 40); // a replay may bring hundreds at once
        },
        error(cause) {
          show(Array.isArray(cause) ? { errors: cause } : failure(reason(cause)));
          sink.complete();
        },
        complete() {
          show();
          sink.complete();
        },
      });
      return {
        unsubscribe() {
          clearTimeout(due);
          stop();
        },
      };
    },
  };
}

const cursorOf = (data) => Object.values(data ?? {}).find((field) => field?.cursor)?.cursor;

const reason = (cause) =>
  cause instanceof CloseEvent
    ? `The API closed the subscription: ${cause.code} ${cause.reason}`.trim()
    : String(cause?.message ?? cause);

/** One socket per subscription, so that it always speaks for whoever is signed in now. */
function connect(own, onReconnected) {
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
