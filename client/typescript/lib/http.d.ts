import { type RequestError, type Result } from './results.js';
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
export interface RequestOptions {
    /** Gives up: the promise rejects with the reason of the signal. */
    readonly signal?: AbortSignal;
    readonly timeoutMs?: number;
}
export interface GraphQLRequest {
    readonly query: string;
    readonly variables?: unknown;
}
/** The endpoint below the URL of an installation. */
export declare function endpointOf(url: string | URL | undefined): URL;
/** A request with its headers, and its response with the whole body, before the deadline. */
export declare function fetchWhole(fetch: Fetch, input: string | URL | Request, init: RequestInit, timeoutMs: number): Promise<Response>;
/** Send an operation with a function that has the deadline and the credential already. */
export declare function post<Data>(send: (init: RequestInit) => Promise<Response>, request: GraphQLRequest, signal: AbortSignal | undefined): Promise<Result<Data>>;
export declare function transportError(error: unknown): RequestError;
