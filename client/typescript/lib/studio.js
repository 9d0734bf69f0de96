// The client of one installation.
import { isErrorMember, textOf } from './documents.js';
import { withDeadline } from './deadlines.js';
import { endpointOf, fetchWhole, post } from './http.js';
import { iterate } from './iteration.js';
import { failure, RequestFailed, success } from './results.js';
import { REQUEST_TIMEOUT_MS } from './session.js';
import { SocketPool } from './socket-pool.js';
import { runSubscription } from './subscription.js';
const CONNECT_TIMEOUT_MS = 10_000;
const RECONNECT_FOR_MS = 3_600_000;
export function createStudio(options) {
    return new ApiStudio(options);
}
class ApiStudio {
    endpoint;
    session;
    #apiKey;
    #fetch;
    #timeoutMs;
    #link;
    #closing = new AbortController();
    constructor(options) {
        const { session, webSocket } = options;
        this.endpoint = endpointOf(options.url);
        this.session = session ?? null;
        this.#apiKey = options.apiKey;
        this.#fetch = options.fetch ?? ((...sent) => globalThis.fetch(...sent));
        this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
        const sockets = new SocketPool({
            url: this.endpoint.href.replace(/^http/, 'ws'),
            credential: () => this.#connectionCredential(),
            webSocket,
            connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
            reconnectForMs: options.reconnectForMs ?? RECONNECT_FOR_MS,
        });
        const refresh = session && ((rejected) => session.accessToken(rejected ? { rejected } : {}));
        this.#link = { sockets, refresh };
        let id = session?.state.get()?.id;
        session?.state.subscribe(() => {
            if (id === session.state.get()?.id)
                return;
            id = session.state.get()?.id;
            sockets.renew();
        });
    }
    get connection() {
        return this.#link.sockets.state;
    }
    query(document, ...rest) {
        const [variables, options] = rest;
        const send = (init) => this.#send(this.endpoint, init, options?.timeoutMs ?? this.#timeoutMs);
        return post(send, { query: textOf(document), variables }, options?.signal);
    }
    async mutate(document, ...rest) {
        const result = await this.query(document, ...rest);
        if (!result.ok)
            return result;
        const member = Object.entries(result.value).find(([name]) => name !== '__typename')?.[1];
        if (isErrorMember(member))
            return failure(member);
        return success(member, result.errors, result.extensions);
    }
    subscribe(document, ...rest) {
        const [variables, options] = rest;
        const signals = [this.#closing.signal, ...(options?.signal ? [options.signal] : [])];
        const request = { query: textOf(document), variables };
        return iterate(this.#link, request, AbortSignal.any(signals), options?.bufferSize);
    }
    fetch = (input, init = {}) => this.#send(input, init, this.#timeoutMs);
    forwardSubscription = ({ query = '', variables }) => ({
        subscribe: (sink) => {
            const controller = new AbortController();
            const signal = AbortSignal.any([this.#closing.signal, controller.signal]);
            void runSubscription(this.#link, { query, variables }, sink, signal).then((error) => {
                if (controller.signal.aborted)
                    return;
                if (error)
                    sink.error(new RequestFailed(error));
                else
                    sink.complete();
            });
            return { unsubscribe: () => controller.abort() };
        },
    });
    close() {
        this.#closing.abort(new DOMException('The client was closed.', 'AbortError'));
        this.#link.sockets.close();
    }
    /** Send a request, and once more with another token if the API refuses the first one. */
    #send(input, init, timeoutMs) {
        const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
        return withDeadline(timeoutMs, signal, (signal) => this.#sendUntil(signal, input, init, timeoutMs));
    }
    async #sendUntil(signal, input, init, timeoutMs) {
        const { session } = this;
        const attempt = (token) => {
            const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
            if (token)
                headers.set('authorization', `Bearer ${token}`);
            else if (this.#apiKey)
                headers.set('x-api-key', this.#apiKey);
            const sent = input instanceof Request ? input.clone() : input;
            return fetchWhole(this.#fetch, sent, { ...init, headers, signal }, timeoutMs);
        };
        if (!session?.state.get())
            return attempt(null);
        const first = await session.accessToken({ signal });
        // The session may continue, so its absence is not what the caller should learn.
        if (!first.ok && first.error.code !== 'SIGNED_OUT')
            throw new RequestFailed(first.error);
        const response = await attempt(first.ok ? first.value : null);
        if (!first.ok || response.status !== 401)
            return response;
        const second = await session.accessToken({ rejected: first.value, signal });
        if (!second.ok && second.error.code !== 'SIGNED_OUT')
            throw new RequestFailed(second.error);
        return second.ok ? attempt(second.value) : response;
    }
    async #connectionCredential() {
        if (this.#apiKey)
            return { payload: { apiKey: this.#apiKey } };
        const token = await this.session?.accessToken();
        if (!token)
            return { payload: {} };
        if (!token.ok)
            throw new RequestFailed(token.error);
        return { payload: { authorization: `Bearer ${token.value}` }, token: token.value };
    }
}
