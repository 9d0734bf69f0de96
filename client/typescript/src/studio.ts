// The client of one installation.

import { isErrorMember, textOf, type Arguments, type ErrorOf, type SuccessOf, type TypedDocument } from './documents.js';
import { withDeadline } from './deadlines.js';
import { endpointOf, fetchWhole, post, type Fetch, type GraphQLRequest, type RequestOptions } from './http.js';
import { iterate } from './iteration.js';
import type { Observable } from './observable.js';
import { failure, RequestFailed, success, type RequestError, type Result } from './results.js';
import { REQUEST_TIMEOUT_MS, type Session } from './session.js';
import { SocketPool } from './socket-pool.js';
import type { ConnectionCredential, ConnectionState, Message } from './socket.js';
import { runSubscription, type Link } from './subscription.js';

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
  subscribe(sink: Sink): { unsubscribe(): void };
}

export interface Studio {
  readonly endpoint: URL;
  readonly session: Session | null;
  /** The state of the socket, which up to 50 subscriptions share; of several, that of the one in trouble. */
  readonly connection: Observable<ConnectionState>;
  /** Run an operation and return its data, with unions as they are. */
  query<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables, RequestOptions>
  ): Promise<Result<Data>>;
  /** Run a mutation with one root field, and return its success or its error. The document has to select
   * `code` and `message` of `Error`. */
  mutate<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables, RequestOptions>
  ): Promise<Result<SuccessOf<Data>, ErrorOf<Data> | RequestError>>;
  /** The values of a subscription, across lost connections and expired tokens. The variable `after` follows
   * the cursors of events, so none is missed or repeated. Rejects with `RequestFailed`. */
  subscribe<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables, SubscribeOptions>
  ): AsyncGenerator<Data, void, undefined>;
  /** `fetch` with the credential of this client; a token that the API refuses is refreshed once. */
  readonly fetch: Fetch;
  /** For `subscriptionExchange` of urql. It resumes as `subscribe` does. */
  readonly forwardSubscription: (request: ForwardedRequest) => Subscribable;
  /** Close all sockets and end all subscriptions. */
  close(): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const RECONNECT_FOR_MS = 3_600_000;

export function createStudio(options: StudioOptions): Studio {
  return new ApiStudio(options);
}

class ApiStudio implements Studio {
  readonly endpoint: URL;
  readonly session: Session | null;
  readonly #apiKey: string | undefined;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;
  readonly #link: Link;
  readonly #closing = new AbortController();

  constructor(options: StudioOptions) {
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
    const refresh = session && ((rejected: string | undefined) => session.accessToken(rejected ? { rejected } : {}));
    this.#link = { sockets, refresh };
    let id = session?.state.get()?.id;
    session?.state.subscribe(() => {
      if (id === session.state.get()?.id) return;
      id = session.state.get()?.id;
      sockets.renew();
    });
  }

  get connection(): Observable<ConnectionState> {
    return this.#link.sockets.state;
  }

  query<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables, RequestOptions>
  ): Promise<Result<Data>> {
    const [variables, options] = rest;
    const send = (init: RequestInit) => this.#send(this.endpoint, init, options?.timeoutMs ?? this.#timeoutMs);
    return post(send, { query: textOf(document), variables }, options?.signal);
  }

  async mutate<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables, RequestOptions>
  ): Promise<Result<SuccessOf<Data>, ErrorOf<Data> | RequestError>> {
    const result = await this.query(document, ...rest);
    if (!result.ok) return result;
    const member = Object.entries(result.value as object).find(([name]) => name !== '__typename')?.[1] as unknown;
    if (isErrorMember(member)) return failure(member as ErrorOf<Data>);
    return success(member as SuccessOf<Data>, result.errors, result.extensions);
  }

  subscribe<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    ...rest: Arguments<Variables, SubscribeOptions>
  ): AsyncGenerator<Data, void, undefined> {
    const [variables, options] = rest;
    const signals = [this.#closing.signal, ...(options?.signal ? [options.signal] : [])];
    const request = { query: textOf(document), variables };
    return iterate<Data>(this.#link, request, AbortSignal.any(signals), options?.bufferSize);
  }

  readonly fetch: Fetch = (input, init = {}) => this.#send(input, init, this.#timeoutMs);

  readonly forwardSubscription = ({ query = '', variables }: ForwardedRequest): Subscribable => ({
    subscribe: (sink) => {
      const controller = new AbortController();
      const signal = AbortSignal.any([this.#closing.signal, controller.signal]);
      void runSubscription(this.#link, { query, variables } satisfies GraphQLRequest, sink, signal).then((error) => {
        if (controller.signal.aborted) return;
        if (error) sink.error(new RequestFailed(error));
        else sink.complete();
      });
      return { unsubscribe: () => controller.abort() };
    },
  });

  close(): void {
    this.#closing.abort(new DOMException('The client was closed.', 'AbortError'));
    this.#link.sockets.close();
  }

  /** Send a request, and once more with another token if the API refuses the first one. */
  #send(input: string | URL | Request, init: RequestInit, timeoutMs: number): Promise<Response> {
    const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
    return withDeadline(timeoutMs, signal, (signal) => this.#sendUntil(signal, input, init, timeoutMs));
  }

  async #sendUntil(
    signal: AbortSignal,
    input: string | URL | Request,
    init: RequestInit,
    timeoutMs: number,
  ): Promise<Response> {
    const { session } = this;
    const attempt = (token: string | null) => {
      const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined));
      if (token) headers.set('authorization', `Bearer ${token}`);
      else if (this.#apiKey) headers.set('x-api-key', this.#apiKey);
      const sent = input instanceof Request ? input.clone() : input;
      return fetchWhole(this.#fetch, sent, { ...init, headers, signal }, timeoutMs);
    };
    if (!session?.state.get()) return attempt(null);
    const first = await session.accessToken({ signal });
    // The session may continue, so its absence is not what the caller should learn.
    if (!first.ok && first.error.code !== 'SIGNED_OUT') throw new RequestFailed(first.error);
    const response = await attempt(first.ok ? first.value : null);
    if (!first.ok || response.status !== 401) return response;
    const second = await session.accessToken({ rejected: first.value, signal });
    if (!second.ok && second.error.code !== 'SIGNED_OUT') throw new RequestFailed(second.error);
    return second.ok ? attempt(second.value) : response;
  }

  async #connectionCredential(): Promise<ConnectionCredential> {
    if (this.#apiKey) return { payload: { apiKey: this.#apiKey } };
    const token = await this.session?.accessToken();
    if (!token) return { payload: {} };
    if (!token.ok) throw new RequestFailed(token.error);
    return { payload: { authorization: `Bearer ${token.value}` }, token: token.value };
  }
}
