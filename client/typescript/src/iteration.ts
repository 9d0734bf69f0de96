// A subscription as an async iterator, with a bounded buffer.

import type { GraphQLRequest } from './http.js';
import { RequestFailed, type RequestError } from './results.js';
import { cursorOf, runSubscription, type Link } from './subscription.js';

const BUFFER_SIZE = 2_000;

/** The values of a subscription. After each pause it continues after the cursor of the last value. */
export async function* iterate<Data>(
  link: Link,
  request: GraphQLRequest,
  signal: AbortSignal | undefined,
  bufferSize = BUFFER_SIZE,
): AsyncGenerator<Data, void, undefined> {
  const variables = { ...(request.variables as Record<string, unknown> | undefined) };
  for (;;) {
    signal?.throwIfAborted();
    const run = new Run<Data>(link, { query: request.query, variables }, signal, bufferSize);
    try {
      yield* run.values(variables);
    } finally {
      run.stop();
    }
    signal?.throwIfAborted();
    if (run.error) throw new RequestFailed(run.error);
    if (!run.isPaused) return;
  }
}

/** One run of the subscription, from its start to its end or to the next pause. */
class Run<Data> {
  error: RequestError | null = null;
  isPaused = false;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #bufferSize: number;
  #buffer: Data[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(link: Link, request: GraphQLRequest, signal: AbortSignal | undefined, bufferSize: number) {
    this.#signal = signal;
    this.#bufferSize = bufferSize;
    signal?.addEventListener('abort', this.stop, { once: true });
    void runSubscription(link, request, this, this.#controller.signal).then((error) => {
      this.error = error;
      this.#isOver = true;
      this.#wake();
    });
  }

  readonly stop = (): void => {
    this.#signal?.removeEventListener('abort', this.stop);
    this.#controller.abort();
    this.#isOver = true;
    this.#wake();
  };

  next({ data }: { readonly data?: unknown }): void {
    if (this.isPaused) return;
    this.#buffer.push(data as Data);
    if (this.#buffer.length >= this.#bufferSize) {
      this.isPaused = true;
      this.#controller.abort();
    }
    this.#wake();
  }

  /** All values of this run. `variables` then continue after the last one. */
  async *values(variables: Record<string, unknown>): AsyncGenerator<Data, void, undefined> {
    for (;;) {
      const values = this.#buffer;
      this.#buffer = [];
      for (const value of values) {
        variables['after'] = cursorOf(value) ?? variables['after'];
        yield value;
        if (this.#signal?.aborted) return;
      }
      if (this.#buffer.length > 0) continue;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
