// Queries and mutations by HTTP.
import { Expired, withDeadline } from './deadlines.js';
import { clientError, failure, readResponse, RequestFailed } from './results.js';
/** The endpoint below the URL of an installation. */
export function endpointOf(url) {
    const base = url ?? globalThis.location?.origin;
    if (base === undefined)
        throw new TypeError('Pass the URL of the installation as `url`.');
    return new URL('/graphql', base);
}
/** A request with its headers, and its response with the whole body, before the deadline. */
export async function fetchWhole(fetch, input, init, timeoutMs) {
    const signal = init.signal ?? (input instanceof Request ? input.signal : undefined);
    return withDeadline(timeoutMs, signal, async (signal) => {
        const response = await fetch(input, { ...init, signal });
        const body = await response.arrayBuffer();
        const { status, statusText, headers } = response;
        return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers });
    });
}
/** Send an operation with a function that has the deadline and the credential already. */
export async function post(send, request, signal) {
    let response;
    try {
        response = await send({
            method: 'POST',
            headers: { 'content-type': 'application/json', accept: 'application/json' },
            body: JSON.stringify(request),
            ...(signal ? { signal } : {}),
        });
    }
    catch (error) {
        signal?.throwIfAborted();
        return failure(error instanceof RequestFailed ? error.error : transportError(error));
    }
    const body = await response.json().catch(() => undefined);
    if (body !== undefined)
        return readResponse(body);
    const status = `${response.status} ${response.statusText}`.trim();
    return failure(clientError('BAD_RESPONSE', `The API responded with ${status}, and not in JSON.`));
}
export function transportError(error) {
    if (error instanceof Expired)
        return clientError('TIMEOUT', error.message);
    return clientError('UNREACHABLE', 'The API is unreachable.');
}
