// Every wait has a deadline, and ends when its caller gives up.

/** Run something with a signal that aborts after the deadline or with the signal of the caller.
 *
 * If the caller gave up, this rejects with the reason of their signal; after the deadline, with `Expired`. */
export async function withDeadline<Value>(
  milliseconds: number,
  signal: AbortSignal | undefined | null,
  run: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(() => controller.abort(new Expired(milliseconds)), milliseconds);
  try {
    return await untilAborted(controller.signal, run(controller.signal));
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

export class Expired extends Error {
  override readonly name = 'Expired';

  constructor(milliseconds: number) {
    super(`There was no response within ${milliseconds / 1000} s.`);
  }
}

/** The outcome of a promise, unless the signal aborts first. */
export function untilAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Wait, but not for longer than the browser is offline. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, milliseconds);
    function finish() {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', finish);
      resolve();
    }
    globalThis.addEventListener?.('online', finish);
  });
}

/** Milliseconds before attempt number `attempt` (1, 2, …): exponential, at most 5 s, with jitter. */
export const backoff = (attempt: number): number =>
  Math.min(5_000, 100 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2);
