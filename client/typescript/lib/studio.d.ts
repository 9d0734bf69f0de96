import { type Arguments, type ErrorOf, type SuccessOf, type TypedDocument } from './documents.js';
import { type Fetch, type RequestOptions } from './http.js';
import type { Observable } from './observable.js';
import { type RequestError, type Result } from './results.js';
import { type Session } from './session.js';
import type { ConnectionState, Message } from './socket.js';
export interface StudioOptions {
    /** URL of the installation; that of the page if omitted. */
    readonly url?: string | URL;
    /** For programs. Never put an API key into a page. */
    readonly apiKey?: string;
    /** For people. */
    readonly session?: Session;
    readonly fetch?: Fetch;
    /** The WebSocket class, where the platform has none. */
    readonly webSocket?: unknown;
    readonly requestTimeoutMs?: number;
    /** How long opening a WebSocket may take. */
    readonly connectTimeoutMs?: number;
    /** How long a subscription waits in all before it gives up to reconnect; an hour if omitted. */
    readonly reconnectForMs?: number;
}
export interface SubscribeOptions {
    /** Ends the iteration: it rejects with the reason of the signal. */
    readonly signal?: AbortSignal;
    /** How many values wait for a slow consumer, 2,000 if omitted. When so many do, the subscription pauses and
     * continues later. */
    readonly bufferSize?: number;
}
/** What urql passes to `forwardSubscription`, and what it expects back. */
export interface ForwardedRequest {
    readonly query?: string | undefined;
    readonly variables?: unknown;
}
export interface Sink {
    next(message: Message): void;
    error(error: unknown): void;
    complete(): void;
}
export interface Subscribable {
    subscribe(sink: Sink): {
        unsubscribe(): void;
    };
}
export interface Studio {
    readonly endpoint: URL;
    readonly session: Session | null;
    /** The state of the socket, which up to 50 subscriptions share; of several, that of the one in trouble. */
    readonly connection: Observable<ConnectionState>;
    /** Run an operation and return its data, with unions as they are. */
    query<Data, Variables>(document: TypedDocument<Data, Variables>, ...rest: Arguments<Variables, RequestOptions>): Promise<Result<Data>>;
    /** Run a mutation with one root field, and return its success or its error. The document has to select
     * `code` and `message` of `Error`. */
    mutate<Data, Variables>(document: TypedDocument<Data, Variables>, ...rest: Arguments<Variables, RequestOptions>): Promise<Result<SuccessOf<Data>, ErrorOf<Data> | RequestError>>;
    /** The values of a subscription, across lost connections and expired tokens. The variable `after` follows
     * the cursors of events, so none is missed or repeated. Rejects with `RequestFailed`. */
    subscribe<Data, Variables>(document: TypedDocument<Data, Variables>, ...rest: Arguments<Variables, SubscribeOptions>): AsyncGenerator<Data, void, undefined>;
    /** `fetch` with the credential of this client; a token that the API refuses is refreshed once. */
    readonly fetch: Fetch;
    /** For `subscriptionExchange` of urql. It resumes as `subscribe` does. */
    readonly forwardSubscription: (request: ForwardedRequest) => Subscribable;
    /** Close all sockets and end all subscriptions. */
    close(): void;
}
export declare function createStudio(options: StudioOptions): Studio;
