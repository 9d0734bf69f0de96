import { type CallEventsSubscription } from './generated/graphql.js';
import type { Studio, SubscribeOptions } from './studio.js';
/** A durable event of a call, with `cursor` and `seq`, or a `PartialTranscript`, without. */
export type CallUpdate = CallEventsSubscription['callEvents'];
export type CallEvent = Exclude<CallUpdate, {
    __typename: 'PartialTranscript';
}>;
export type CallEventOf<Kind extends CallUpdate['__typename']> = Extract<CallUpdate, {
    __typename: Kind;
}>;
export interface CallEventsOptions extends SubscribeOptions {
    /** Cursor of the event to continue after. */
    readonly after?: string;
}
/** All events of a call with all their fields, until the call has ended. */
export declare function callEvents(studio: Studio, callId: string, { after, ...limits }?: CallEventsOptions): AsyncGenerator<CallUpdate, void, undefined>;
