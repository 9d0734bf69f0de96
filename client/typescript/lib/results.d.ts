export type PathSegment = string | number;
/** An error as a response of GraphQL has it. */
export interface ResponseError {
    readonly message: string;
    readonly path?: readonly PathSegment[];
    readonly extensions?: Readonly<Record<string, unknown>>;
}
/** What a response says besides its data, such as `cost`, `rateLimit` and `warnings`. */
export type Extensions = Readonly<Record<string, unknown>>;
export interface Success<Value> {
    readonly ok: true;
    readonly value: Value;
    /** Errors of nullable fields; usually none. */
    readonly errors: readonly ResponseError[];
    readonly extensions: Extensions;
}
export interface Failure<Reason> {
    readonly ok: false;
    readonly error: Reason;
}
export type Result<Value, Reason = RequestError> = Success<Value> | Failure<Reason>;
/** Codes of errors that do not come from the API. */
export type ClientErrorCode = 
/** There was no response. A mutation may have been executed. */
'UNREACHABLE'
/** The deadline passed. A mutation may have been executed. */
 | 'TIMEOUT'
/** The response is not one of GraphQL. */
 | 'BAD_RESPONSE'
/** There is no session, or it has ended. */
 | 'SIGNED_OUT'
/** A subscription could not connect again within its limit. */
 | 'DISCONNECTED';
/** Codes of errors that pass, so that the same request may succeed later. */
export declare const TRANSIENT: ReadonlySet<string>;
/** An error in `errors` of a response, or one of the transport. */
export interface RequestError {
    readonly __typename: 'RequestError';
    /** `extensions.code` of the API, or a `ClientErrorCode`. */
    readonly code: string;
    readonly message: string;
    readonly path: readonly PathSegment[];
    /** Path of the documentation of the code, on the host of the API. */
    readonly docs: string | null;
    /** Seconds to wait after `RATE_LIMITED`. */
    readonly retryAfter: number | null;
    /** The scopes that are missing after `FORBIDDEN`. */
    readonly missing: readonly string[];
    /** The line of the server's log after `INTERNAL`. */
    readonly ref: string | null;
    readonly errors: readonly ResponseError[];
}
/** The member of a result union that says why nothing was changed. */
export interface TypedError {
    readonly __typename: string;
    readonly code: string;
    readonly message: string;
    readonly path?: readonly string[];
    readonly docs?: string;
}
/** Thrown by async iterators, which cannot return an error. */
export declare class RequestFailed extends Error {
    readonly name = "RequestFailed";
    readonly error: RequestError;
    constructor(error: RequestError);
}
export declare const success: <Value>(value: Value, errors?: readonly ResponseError[], extensions?: Extensions) => Success<Value>;
export declare const failure: <Reason>(error: Reason) => Failure<Reason>;
export declare function clientError(code: ClientErrorCode, message: string): RequestError;
/** The first error of a response, with its other errors attached. */
export declare function requestError(errors: readonly ResponseError[]): RequestError;
/** The body of a response of GraphQL. Data next to errors counts, unless all of its fields are null. */
export declare function readResponse<Data>(body: unknown): Result<Data>;
