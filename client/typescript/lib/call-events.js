// The events of one call.
import { CallEventsDocument } from './generated/graphql.js';
/** All events of a call with all their fields, until the call has ended. */
export async function* callEvents(studio, callId, options = {}) {
    const variables = { callId, after: options.after ?? null };
    const limits = options.signal ? { signal: options.signal } : {};
    for await (const { callEvents } of studio.subscribe(CallEventsDocument, variables, limits))
        yield callEvents;
}
