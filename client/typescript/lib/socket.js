// A WebSocket that many subscriptions of a client share, and the pauses between attempts to connect.
import { createClient } from 'graphql-ws';
import { backoff, pause } from './deadlines.js';
import { Variable } from './observable.js';
import { RequestFailed } from './results.js';
const KEEP_ALIVE_MS = 12_000;
const PONG_TIMEOUT_MS = 8_000;
const LAZY_CLOSE_MS = 10_000;
/** A connection that lasted this long is a success, even if no message was received. */
const STABLE_MS = 10_000;
const NO_STATUS = 1006;
const NORMAL_CLOSURE = 1000;
export class SharedSocket {
    state = new Variable('IDLE');
    #options;
    #connection = null;
    #failures = 0;
    #waitedMs = 0;
    #subscriptions = 0;
    #pause = null;
    constructor(options) {
        this.#options = options;
    }
    get subscriptions() {
        return this.#subscriptions;
    }
    /** Wait before the next attempt, together with all other subscriptions. False: the limit is reached. */
    async ready() {
        while (this.#pause)
            await this.#pause;
        return !this.#hasGivenUp;
    }
    /** A new subscription tries again, also after others gave up. */
    begin() {
        this.#subscriptions += 1;
        if (this.#hasGivenUp)
            this.succeeded();
    }
    end() {
        this.#subscriptions -= 1;
        if (this.#subscriptions === 0 && this.#connection === null)
            this.state.set('IDLE');
    }
    renew() {
        this.#connection?.client.terminate();
    }
    get #hasGivenUp() {
        return this.#waitedMs >= this.#options.reconnectForMs;
    }
    /** The next attempt, whichever subscription makes it, comes after a pause. */
    delay(milliseconds) {
        this.#waitedMs += milliseconds;
        const waiting = pause(milliseconds).then(() => {
            if (this.#pause === waiting)
                this.#pause = null;
        });
        this.#pause = waiting;
    }
    /** The server delivers: pauses are short again. */
    succeeded() {
        this.#failures = 0;
        this.#waitedMs = 0;
    }
    /** Run a subscription once, until it completes or the connection is lost. */
    run(request, next, signal) {
        return new Promise((resolve) => {
            const connection = (this.#connection ??= this.#connect());
            connection.running += 1;
            let isOver = false;
            const finish = (outcome) => {
                if (!isOver)
                    connection.running -= 1;
                isOver = true;
                signal.removeEventListener('abort', stop);
                resolve(outcome);
            };
            const unsubscribe = connection.client.subscribe({ query: request.query, variables: request.variables }, {
                next: (message) => next(message),
                complete: () => finish(connection.isLost ? lost(connection, { code: NORMAL_CLOSURE }) : { kind: 'COMPLETE' }),
                error: (cause) => finish(this.#failed(connection, cause)),
            });
            function stop() {
                unsubscribe();
                finish({ kind: 'COMPLETE' });
            }
            signal.addEventListener('abort', stop, { once: true });
            if (signal.aborted)
                stop();
        });
    }
    close() {
        const connection = this.#connection;
        this.#connection = null;
        // It rejects if the connection is being lost anyway.
        void Promise.resolve(connection?.client.dispose()).catch(() => undefined);
        this.state.set('IDLE');
    }
    #failed(connection, cause) {
        if (Array.isArray(cause))
            return { kind: 'REFUSED', errors: cause };
        this.#lose(connection);
        if (cause instanceof RequestFailed)
            return { kind: 'REFUSED', errors: cause.error.errors };
        return lost(connection, cause);
    }
    /** A lost connection is counted once, however many subscriptions it had. */
    #lose(connection) {
        if (connection.isLost)
            return;
        connection.isLost = true;
        if (this.#connection === connection)
            this.#connection = null;
        const { connectedAt } = connection;
        if (connectedAt !== null && performance.now() - connectedAt > STABLE_MS)
            this.succeeded();
        this.#failures += 1;
        this.state.set('RECONNECTING');
        this.delay(backoff(this.#failures));
    }
    #connect() {
        const { url, credential, webSocket, connectTimeoutMs } = this.#options;
        let timer;
        const isCurrent = () => this.#connection === connection;
        const terminateAfter = (milliseconds) => {
            clearTimeout(timer);
            timer = setTimeout(() => client.terminate(), milliseconds);
        };
        // This client never reconnects by itself: it takes 1011 and 4401 for final, whatever its options say.
        const client = createClient({
            url,
            ...(webSocket === undefined ? {} : { webSocketImpl: webSocket }),
            retryAttempts: 0,
            keepAlive: KEEP_ALIVE_MS,
            lazyCloseTimeout: LAZY_CLOSE_MS,
            connectionParams: async () => {
                const { payload, token } = await credential();
                connection.token = token;
                return payload;
            },
            on: {
                connecting: () => {
                    terminateAfter(connectTimeoutMs);
                    connection.connectedAt = null;
                    if (isCurrent() && this.state.get() !== 'RECONNECTING')
                        this.state.set('CONNECTING');
                },
                connected: () => {
                    clearTimeout(timer);
                    connection.connectedAt = performance.now();
                    if (isCurrent())
                        this.state.set('CONNECTED');
                },
                ping: (received) => {
                    if (!received)
                        terminateAfter(PONG_TIMEOUT_MS);
                },
                pong: () => clearTimeout(timer),
                closed: (event) => {
                    clearTimeout(timer);
                    if (connection.running > 0 && event.code === NORMAL_CLOSURE) {
                        // graphql-ws would connect again without a pause and without a limit.
                        this.#lose(connection);
                        void Promise.resolve(client.dispose()).catch(() => undefined);
                    }
                    else if (isCurrent() && this.state.get() === 'CONNECTED')
                        this.state.set('IDLE');
                },
            },
        });
        const connection = { client, token: undefined, connectedAt: null, isLost: false, running: 0 };
        return connection;
    }
}
const lost = ({ token, connectedAt }, { code, reason }) => ({
    kind: 'LOST',
    code: typeof code === 'number' ? code : NO_STATUS,
    reason: typeof reason === 'string' ? reason : '',
    token,
    wasConnected: connectedAt !== null,
});
