// A subscription that outlives its connections.

import type { GraphQLRequest } from './http.js';
import { clientError, requestError, TRANSIENT, type RequestError, type Result } from './results.js';
import type { SocketPool } from './socket-pool.js';
import type { Loss, Message, Outcome } from './socket.js';

/** Close codes after which the same client would be refused in the same way. */
const FINAL_CODES = new Set([4400, 4406, 4409, 4429]);
const UNAUTHORIZED = 4401;
const FORBIDDEN = 4403;
const MAX_REFUSALS = 3;
/** A subscription has the time to wait for a limit as well. */
const RETRIED = new Set([...TRANSIENT, 'RATE_LIMITED']);
const RETRY_AFTER_SECONDS = 1;

export interface Link {
  readonly sockets: SocketPool;
  /** A valid access token instead of the one that the API refused; undefined for an API key. */
  readonly refresh: ((rejected: string | undefined) => Promise<Result<string>>) | undefined;
}

export interface Receiver {
  next(message: Message): void;
}

/** Run a subscription until it completes or the signal aborts (null), or fails for good (the error).
 *
 * The variable `after` follows the cursors that were received, so that an attempt continues where the last
 * one ended. A list without cursors starts with a snapshot at each attempt. */
export async function runSubscription(
  link: Link,
  request: GraphQLRequest,
  receiver: Receiver,
  signal: AbortSignal,
): Promise<RequestError | null> {
  const variables = { ...(request.variables as Record<string, unknown> | undefined) };
  let refusals = 0;
  const socket = link.sockets.begin();
  try {
    return await attempts();
  } finally {
    socket.end();
  }

  async function attempts(): Promise<RequestError | null> {
    while (!signal.aborted) {
      if (!(await socket.ready())) return DISCONNECTED;
      if (signal.aborted) break;
      const ending = await attempt();
      if (signal.aborted || ending === 'DONE') break;
      if (ending === 'RETRY') continue;
      if (!RETRIED.has(ending.code)) return ending;
      socket.delay((ending.retryAfter ?? RETRY_AFTER_SECONDS) * 1000);
    }
    return null;
  }

  /** Run the subscription on one connection. */
  async function attempt(): Promise<Ending> {
    const controller = new AbortController();
    const stop = () => controller.abort();
    let failed: RequestError | undefined;
    const receive = (message: Message) => {
      if (controller.signal.aborted) return;
      if (message.data === null || message.data === undefined) {
        failed = requestError(message.errors ?? []);
        return stop();
      }
      refusals = 0;
      socket.succeeded();
      variables['after'] = cursorOf(message.data) ?? variables['after'];
      receiver.next(message);
    };
    signal.addEventListener('abort', stop, { once: true });
    const outcome = await socket.run({ query: request.query, variables }, receive, controller.signal);
    signal.removeEventListener('abort', stop);
    return failed ?? settle(outcome);
  }

  function settle(outcome: Outcome): Ending | Promise<Ending> {
    if (outcome.kind === 'COMPLETE') return 'DONE';
    if (outcome.kind === 'REFUSED') return requestError(outcome.errors);
    if (FINAL_CODES.has(outcome.code)) return closed(outcome);
    return outcome.code === UNAUTHORIZED || outcome.code === FORBIDDEN ? renew(outcome) : 'RETRY';
  }

  /** The credential was refused. An access token is replaced; a new one that is refused as well is final. */
  async function renew(loss: Loss): Promise<Ending> {
    refusals = loss.wasConnected ? 0 : refusals + 1;
    if (!link.refresh) return loss.code === UNAUTHORIZED ? closed(loss) : 'RETRY';
    if (refusals >= MAX_REFUSALS) return closed(loss);
    const refreshed = await link.refresh(loss.token);
    return refreshed.ok ? 'RETRY' : refreshed.error;
  }
}

type Ending = RequestError | 'RETRY' | 'DONE';

const DISCONNECTED = clientError('DISCONNECTED', 'The connection was lost, and could not be replaced within the limit.');

const closed = ({ code, reason }: Loss): RequestError =>
  requestError([
    {
      message: `The API closed the connection: ${reason || code}.`,
      extensions: { code: [UNAUTHORIZED, FORBIDDEN].includes(code) ? 'UNAUTHENTICATED' : 'BAD_REQUEST' },
    },
  ]);

/** The cursor of an event: the root field is an object with one. */
export function cursorOf(data: unknown): string | undefined {
  const [root] = Object.values(data as Record<string, unknown>);
  if (typeof root !== 'object' || root === null) return undefined;
  const { cursor } = root as { cursor?: unknown };
  return typeof cursor === 'string' ? cursor : undefined;
}
