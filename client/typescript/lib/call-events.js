// The events of one call.
import { CallEventsDocument } from './generated/graphql.js';
/** All events of a call with all their fields, until the call has ended. */
export async function* callEvents(studio, callId, { after, ...limits } = {}) {
    const variables = { callId, after: after ?? null };
    for await (const { callEvents } of studio.subscribe(CallEventsDocument, variables, limits))
        yield callEvents;
}
