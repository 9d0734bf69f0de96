// A subscription as an async iterator, with a bounded buffer.
import { RequestFailed } from './results.js';
import { cursorOf, runSubscription } from './subscription.js';
const BUFFER_SIZE = 2_000;
/** The values of a subscription. After each pause it continues after the cursor of the last value. */
export async function* iterate(link, request, signal, bufferSize = BUFFER_SIZE) {
    const variables = { ...request.variables };
    for (;;) {
        signal?.throwIfAborted();
        const run = new Run(link, { query: request.query, variables }, signal, bufferSize);
        try {
            yield* run.values(variables);
        }
        finally {
            run.stop();
        }
        signal?.throwIfAborted();
        if (run.error)
            throw new RequestFailed(run.error);
        if (!run.isPaused)
            return;
    }
}
/** One run of the subscription, from its start to its end or to the next pause. */
class Run {
    error = null;
    isPaused = false;
    #controller = new AbortController();
    #signal;
    #bufferSize;
    #buffer = [];
    #isOver = false;
    #wake = () => undefined;
    constructor(link, request, signal, bufferSize) {
        this.#signal = signal;
        this.#bufferSize = bufferSize;
        signal?.addEventListener('abort', this.stop, { once: true });
        void runSubscription(link, request, this, this.#controller.signal).then((error) => {
            this.error = error;
            this.#isOver = true;
            this.#wake();
        });
    }
    stop = () => {
        this.#signal?.removeEventListener('abort', this.stop);
        this.#controller.abort();
        this.#isOver = true;
        this.#wake();
    };
    next({ data }) {
        if (this.isPaused)
            return;
        this.#buffer.push(data);
        if (this.#buffer.length >= this.#bufferSize) {
            this.isPaused = true;
            this.#controller.abort();
        }
        this.#wake();
    }
    /** All values of this run. `variables` then continue after the last one. */
    async *values(variables) {
        for (;;) {
            const values = this.#buffer;
            this.#buffer = [];
            for (const value of values) {
                variables['after'] = cursorOf(value) ?? variables['after'];
                yield value;
                if (this.#signal?.aborted)
                    return;
            }
            if (this.#buffer.length > 0)
                continue;
            if (this.#isOver)
                return;
            await new Promise((resolve) => {
                this.#wake = resolve;
            });
        }
    }
}
