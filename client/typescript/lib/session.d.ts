import { type Fetch, type RequestOptions } from './http.js';
import { type Observable } from './observable.js';
import { type RequestError, type Result, type TypedError } from './results.js';
import { type StartOptions } from './single-sign-on.js';
import { type Tokens, type TokenStore } from './tokens.js';
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
    accessToken(options?: {
        rejected?: string;
        signal?: AbortSignal;
    }): Promise<Result<string>>;
}
export declare const REQUEST_TIMEOUT_MS = 30000;
export declare function createSession(options?: SessionOptions): Session;
