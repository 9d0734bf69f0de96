// Outcomes of operations, as values.
/** Codes of errors that pass, so that the same request may succeed later. */
export const TRANSIENT = new Set(['UNREACHABLE', 'TIMEOUT', 'BAD_RESPONSE', 'UNAVAILABLE']);
/** Thrown by async iterators, which cannot return an error. */
export class RequestFailed extends Error {
    name = 'RequestFailed';
    error;
    constructor(error) {
        super(`${error.message} (${error.code})`);
        this.error = error;
    }
}
export const success = (value, errors = [], extensions = {}) => ({ ok: true, value, errors, extensions });
export const failure = (error) => ({ ok: false, error });
export function clientError(code, message) {
    return requestError([{ message, extensions: { code } }]);
}
/** The first error of a response, with its other errors attached. */
export function requestError(errors) {
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
export function readResponse(body) {
    if (typeof body !== 'object' || body === null)
        return failure(requestError([]));
    const { data, errors, extensions } = body;
    if (data === undefined || data === null)
        return failure(requestError(errors ?? []));
    if (errors?.length && isEmpty(data))
        return failure(requestError(errors));
    return success(data, errors, extensions);
}
const isEmpty = (data) => Object.entries(data).every(([name, value]) => name === '__typename' || value === null);
