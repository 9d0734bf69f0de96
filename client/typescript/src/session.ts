// The session of a person: signing in and out, and an access token whenever one is needed.

import { textOf, type TypedDocument } from './documents.js';
import {
  FinishSignInDocument,
  LoginDocument,
  LogoutDocument,
  SignInOptionsDocument,
  SwitchTenantDocument,
} from './generated/graphql.js';
import { endpointOf, fetchWhole, post, type Fetch, type RequestOptions } from './http.js';
import { newKey } from './identifiers.js';
import { Variable, type Observable } from './observable.js';
import { REFRESH, TokenRefresher } from './refresh.js';
import { clientError, failure, success, type RequestError, type Result, type TypedError } from './results.js';
import { readReturn, startingAddress, type StartOptions } from './single-sign-on.js';
import { browserStore, memoryStore, type Tokens, type TokenStore } from './tokens.js';

export interface SessionOptions {
  /** URL of the installation; that of the page if omitted. */
  readonly url?: string | URL;
  /** `browserStore()` in a browser and `memoryStore()` elsewhere if omitted. */
  readonly store?: TokenStore;
  readonly fetch?: Fetch;
  readonly requestTimeoutMs?: number;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
  /** Slug of the tenant; the one that was used last if omitted. */
  readonly tenant?: string;
  /** Code of the authenticator app, or a recovery code, after `SECOND_FACTOR_REQUIRED`. */
  readonly code?: string;
}

export interface SignedIn {
  /** Where the browser also ends the session at the identity provider; null without one. */
  readonly endSessionUrl: string | null;
}

export interface SignedOut extends SignedIn {
  /** Why the API has not confirmed the end of the session; null if it has. The tokens are forgotten in any case. */
  readonly error: RequestError | null;
}

/** Both have `code` and `message`; `code` is `SECOND_FACTOR_REQUIRED` if a code is missing. */
export type SignInError = TypedError | RequestError;

export interface SignInOption {
  readonly label: string;
  readonly startUrl: string;
}

export interface SessionState {
  /** Changes when someone signs in or switches the tenant, and not when tokens are refreshed. */
  readonly id: string | null;
  readonly expiresAt: string;
}

export interface Session {
  /** Null without a session. It also follows other tabs. */
  readonly state: Observable<SessionState | null>;
  signIn(credentials: Credentials, options?: RequestOptions): Promise<Result<SignedIn, SignInError>>;
  /** The identity providers of a tenant, by its slug. */
  signInOptions(tenant: string, options?: RequestOptions): Promise<Result<readonly SignInOption[]>>;
  /** The address to send the browser to. Its verifier is kept for this tab. */
  startSingleSignOn(startUrl: string, options?: StartOptions): Promise<string>;
  /** What the identity provider says; null if the address of the page comes from none. */
  finishSingleSignOn(options?: RequestOptions): Promise<Result<SignedIn, SignInError> | null>;
  /** Use tokens that another operation returned, such as `acceptInvitation`. */
  adopt(tokens: Tokens): void;
  switchTenant(id: string, options?: RequestOptions): Promise<Result<SignedIn, SignInError>>;
  /** End the session. The tokens are forgotten in every case. */
  signOut(options?: RequestOptions): Promise<SignedOut>;
  /** A valid access token, refreshed if necessary; `rejected` is one that the API refused. */
  accessToken(options?: { rejected?: string; signal?: AbortSignal }): Promise<Result<string>>;
}

export const REQUEST_TIMEOUT_MS = 30_000;

export function createSession(options: SessionOptions = {}): Session {
  return new ApiSession(options);
}

type Answer = { readonly __typename: string } & (Partial<Tokens> | TypedError);

class ApiSession implements Session {
  readonly #endpoint: URL;
  readonly #store: TokenStore;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;
  readonly #refresher: TokenRefresher;
  readonly #state: Variable<SessionState | null>;

  constructor(options: SessionOptions) {
    this.#endpoint = endpointOf(options.url);
    this.#store = options.store ?? ('localStorage' in globalThis ? browserStore() : memoryStore());
    this.#fetch = options.fetch ?? ((...sent) => globalThis.fetch(...sent));
    this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#state = new Variable(stateOf(this.#store.load()));
    this.#store.watch?.(() => this.#show(this.#store.load()));
    this.#refresher = new TokenRefresher(
      this.#store,
      (refreshToken, timeoutMs) => this.#post(REFRESH, { input: { refreshToken } }, { timeoutMs }),
      (tokens) => this.#save(tokens),
    );
  }

  get state(): Observable<SessionState | null> {
    return this.#state;
  }

  async signIn(credentials: Credentials, options: RequestOptions = {}): Promise<Result<SignedIn, SignInError>> {
    const result = await this.#execute(LoginDocument, { input: credentials }, options);
    return result.ok ? this.#enter(result.value.login) : result;
  }

  async signInOptions(tenant: string, options: RequestOptions = {}): Promise<Result<readonly SignInOption[]>> {
    const result = await this.#execute(SignInOptionsDocument, { tenant }, options);
    return result.ok ? success(result.value.signInOptions ?? [], result.errors, result.extensions) : result;
  }

  startSingleSignOn(startUrl: string, options: StartOptions = {}): Promise<string> {
    return startingAddress(startUrl, options);
  }

  async finishSingleSignOn(options: RequestOptions = {}): Promise<Result<SignedIn, SignInError> | null> {
    const returned = readReturn();
    if (returned === null) return null;
    if ('code' in returned) return failure(returned);
    const result = await this.#execute(FinishSignInDocument, { input: returned }, options);
    if (!result.ok) return result;
    const answer = result.value.finishSignIn;
    if (answer.__typename !== 'FinishSignInSuccess') return this.#enter(answer);
    return this.#enter({ ...answer.session, __typename: 'LoginSuccess' }, answer.endSessionUrl ?? null);
  }

  adopt(tokens: Tokens): void {
    this.#save({ ...tokens, sessionId: newKey() });
  }

  async switchTenant(id: string, options: RequestOptions = {}): Promise<Result<SignedIn, SignInError>> {
    const token = await this.accessToken(options.signal ? { signal: options.signal } : {});
    if (!token.ok) return token;
    const result = await this.#execute(SwitchTenantDocument, { input: { id } }, options, token.value);
    return result.ok ? this.#enter(result.value.switchTenant, this.#store.load()?.endSessionUrl ?? null) : result;
  }

  async signOut(options: RequestOptions = {}): Promise<SignedOut> {
    const tokens = this.#store.load();
    this.#save(null);
    if (!tokens) return { endSessionUrl: null, error: null };
    const input = { refreshToken: tokens.refreshToken };
    const ended = await this.#execute(LogoutDocument, { input }, options);
    return { endSessionUrl: tokens.endSessionUrl ?? null, error: ended.ok ? null : ended.error };
  }

  async accessToken(options: { rejected?: string; signal?: AbortSignal } = {}): Promise<Result<string>> {
    const tokens = await this.#refresher.valid(options.rejected, options.signal);
    return tokens.ok ? success(tokens.value.accessToken) : tokens;
  }

  #enter(answer: Answer, endSessionUrl: string | null = null): Result<SignedIn, SignInError> {
    if ('code' in answer && 'message' in answer) return failure(answer);
    const { accessToken, refreshToken, expiresAt } = answer as Partial<Tokens>;
    if (!accessToken || !refreshToken || !expiresAt) {
      return failure(clientError('BAD_RESPONSE', `The API returned ${answer.__typename} without tokens.`));
    }
    this.#save({ accessToken, refreshToken, expiresAt, endSessionUrl, sessionId: newKey() });
    return success({ endSessionUrl });
  }

  #save(tokens: Tokens | null): void {
    this.#store.save(tokens);
    this.#show(tokens);
  }

  #show(tokens: Tokens | null): void {
    const [shown, next] = [this.#state.get(), stateOf(tokens)];
    if (next?.id !== shown?.id || next?.expiresAt !== shown?.expiresAt) this.#state.set(next);
  }

  #execute<Data, Variables>(
    document: TypedDocument<Data, Variables>,
    variables: Variables,
    options: RequestOptions,
    token?: string,
  ): Promise<Result<Data>> {
    return this.#post(textOf(document), variables, options, token);
  }

  #post<Data>(query: string, variables: unknown, options: RequestOptions, token?: string): Promise<Result<Data>> {
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const send = (init: RequestInit) => {
      const headers = new Headers(init.headers);
      if (token) headers.set('authorization', `Bearer ${token}`);
      return fetchWhole(this.#fetch, this.#endpoint, { ...init, headers }, timeoutMs);
    };
    return post(send, { query, variables }, options.signal);
  }
}

const stateOf = (tokens: Tokens | null): SessionState | null =>
  tokens && { id: tokens.sessionId ?? null, expiresAt: tokens.expiresAt };
