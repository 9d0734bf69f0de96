import type { GraphQLRequest } from './http.js';
import { Variable } from './observable.js';
import { type Extensions, type ResponseError } from './results.js';
export type ConnectionState = 'IDLE' | 'CONNECTING' | 'CONNECTED' | 'RECONNECTING';
/** The credential in `connection_init`; `token` is an access token, which can be refreshed. */
export interface ConnectionCredential {
    readonly payload: Record<string, string>;
    readonly token?: string;
}
export interface Message {
    readonly data?: unknown;
    readonly errors?: readonly ResponseError[];
    readonly extensions?: Extensions;
}
/** How one attempt to run a subscription ended. */
export type Outcome = {
    readonly kind: 'COMPLETE';
} | {
    readonly kind: 'REFUSED';
    readonly errors: readonly ResponseError[];
} | Loss;
export interface Loss {
    readonly kind: 'LOST';
    readonly code: number;
    readonly reason: string;
    /** The access token that the connection used. */
    readonly token: string | undefined;
    readonly wasConnected: boolean;
}
export interface SocketOptions {
    readonly url: string;
    /** Rejects with `RequestFailed` if there is none. */
    readonly credential: () => Promise<ConnectionCredential>;
    readonly webSocket?: unknown;
    readonly connectTimeoutMs: number;
    readonly reconnectForMs: number;
}
export declare class SharedSocket {
    #private;
    readonly state: Variable<ConnectionState>;
    constructor(options: SocketOptions);
    get subscriptions(): number;
    /** Wait before the next attempt, together with all other subscriptions. False: the limit is reached. */
    ready(): Promise<boolean>;
    /** A new subscription tries again, also after others gave up. */
    begin(): void;
    end(): void;
    renew(): void;
    /** The next attempt, whichever subscription makes it, comes after a pause. */
    delay(milliseconds: number): void;
    /** The server delivers: pauses are short again. */
    succeeded(): void;
    /** Run a subscription once, until it completes or the connection is lost. */
    run(request: GraphQLRequest, next: (message: Message) => void, signal: AbortSignal): Promise<Outcome>;
    close(): void;
}
