// Pages of Relay connections, in both directions.
import { textOf } from './documents.js';
import { requestError, RequestFailed } from './results.js';
const PAGE_SIZE = 50;
/** The pages of a connection, each with its items in the order of the list. Rejects with `RequestFailed`. */
export async function* pages(studio, document, variables, options) {
    const { select, direction = 'forward', pageSize = PAGE_SIZE, signal, timeoutMs } = options;
    const isForward = direction === 'forward';
    const limits = { ...(signal ? { signal } : {}), ...(timeoutMs ? { timeoutMs } : {}) };
    const untyped = new String(textOf(document));
    let cursor = null;
    for (;;) {
        const position = isForward
            ? { first: pageSize, after: cursor }
            : { last: pageSize, before: cursor };
        const result = await studio.query(untyped, { ...variables, ...position }, limits);
        if (!result.ok)
            throw new RequestFailed(result.error);
        const page = select(result.value);
        // A list that could not be read is not one that has ended.
        if (!page && result.errors.length > 0)
            throw new RequestFailed(requestError(result.errors));
        if (!page)
            return;
        yield page;
        const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
        const next = isForward ? endCursor : startCursor;
        if (!(isForward ? hasNextPage : hasPreviousPage))
            return;
        if (next === undefined || next === null) {
            throw new TypeError(`The document has to select ${isForward ? 'endCursor' : 'startCursor'} of pageInfo.`);
        }
        cursor = next;
    }
}
/** The items of a connection: from the first one on, or backward from the last one on. */
export async function* nodes(studio, document, variables, options) {
    for await (const { edges } of pages(studio, document, variables, options)) {
        const ordered = options.direction === 'backward' ? [...edges].reverse() : edges;
        for (const { node } of ordered)
            yield node;
    }
}
