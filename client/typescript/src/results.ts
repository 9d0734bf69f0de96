// Outcomes of operations, as values.

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
  | 'UNREACHABLE'
  /** The deadline passed. A mutation may have been executed. */
  | 'TIMEOUT'
  /** The response is not one of GraphQL. */
  | 'BAD_RESPONSE'
  /** There is no session, or it has ended. */
  | 'SIGNED_OUT'
  /** A subscription could not connect again within its limit. */
  | 'DISCONNECTED';

/** Codes of errors that pass, so that the same request may succeed later. */
export const TRANSIENT: ReadonlySet<string> = new Set(['UNREACHABLE', 'TIMEOUT', 'BAD_RESPONSE', 'UNAVAILABLE']);

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
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  readonly error: RequestError;

  constructor(error: RequestError) {
    super(`${error.message} (${error.code})`);
    this.error = error;
  }
}

export const success = <Value>(
  value: Value,
  errors: readonly ResponseError[] = [],
  extensions: Extensions = {},
): Success<Value> => ({ ok: true, value, errors, extensions });

export const failure = <Reason>(error: Reason): Failure<Reason> => ({ ok: false, error });

export function clientError(code: ClientErrorCode, message: string): RequestError {
  return requestError([{ message, extensions: { code } }]);
}

/** The first error of a response, with its other errors attached. */
export function requestError(errors: readonly ResponseError[]): RequestError {
  const [first] = errors;
  const { code, docs, retryAfter, missing, ref } = first?.extensions ?? {};
  return {
    __typename: 'RequestError',
    code: typeof code === 'string' ? code : 'BAD_RESPONSE',
    message: first?.message ?? 'The response has neither data nor errors.',
    path: first?.path ?? [],
    docs: typeof docs === 'string' ? docs : null,
    retryAfter: typeof retryAfter === 'number' ? retryAfter : null,
    missing: Array.isArray(missing) ? missing.map(String) : [],
    ref: typeof ref === 'string' ? ref : null,
    errors,
  };
}

/** The body of a response of GraphQL. Data next to errors counts, unless all of its fields are null. */
export function readResponse<Data>(body: unknown): Result<Data> {
  if (typeof body !== 'object' || body === null) return failure(requestError([]));
  const { data, errors, extensions } = body as {
    data?: Data | null;
    errors?: readonly ResponseError[];
    extensions?: Extensions;
  };
  if (data === undefined || data === null) return failure(requestError(errors ?? []));
  if (errors?.length && isEmpty(data)) return failure(requestError(errors));
  return success(data, errors, extensions);
}

const isEmpty = (data: object): boolean =>
  Object.entries(data).every(([name, value]) => name === '__typename' || value === null);
