// Queries and mutations by HTTP.

import { Expired, withDeadline } from './deadlines.js';
import { clientError, failure, readResponse, RequestFailed, type RequestError, type Result } from './results.js';

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface RequestOptions {
  /** Gives up: the promise rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface GraphQLRequest {
  readonly query: string;
  readonly variables?: unknown;
}

/** The endpoint below the URL of an installation. */
export function endpointOf(url: string | URL | undefined): URL {
  const base = url ?? globalThis.location?.origin;
  if (base === undefined) throw new TypeError('Pass the URL of the installation as `url`.');
  return new URL('/graphql', base);
}

/** A request with its headers, and its response with the whole body, before the deadline. */
export async function fetchWhole(
  fetch: Fetch,
  input: string | URL | Request,
  init: RequestInit,
  timeoutMs: number,
): Promise<Response> {
  const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
  return withDeadline(timeoutMs, signal, async (signal) => {
    const response = await fetch(input, { ...init, signal });
    const body = await response.arrayBuffer();
    const { status, statusText, headers } = response;
    return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers });
  });
}

/** Send an operation with a function that has the deadline and the credential already. */
export async function post<Data>(
  send: (init: RequestInit) => Promise<Response>,
  request: GraphQLRequest,
  signal: AbortSignal | undefined,
): Promise<Result<Data>> {
  let response: Response;
  try {
    response = await send({
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(request),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    signal?.throwIfAborted();
    return failure(error instanceof RequestFailed ? error.error : transportError(error));
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (body !== undefined) return readResponse<Data>(body);
  const status = `${response.status} ${response.statusText}`.trim();
  return failure(clientError('BAD_RESPONSE', `The API responded with ${status}, and not in JSON.`));
}

export function transportError(error: unknown): RequestError {
  if (error instanceof Expired) return clientError('TIMEOUT', error.message);
  return clientError('UNREACHABLE', 'The API is unreachable.');
}
