import { type CallSnapshot } from './call-state.js';
import { type EndCallMutation, type SendMessageMutation } from './generated/graphql.js';
import type { ErrorOf, SuccessOf } from './documents.js';
import { type Observable } from './observable.js';
import { type RequestError, type Result } from './results.js';
import type { Studio } from './studio.js';
export interface LiveCallState extends CallSnapshot {
    readonly status: 'CONNECTING' | 'LIVE' | 'RECONNECTING' | 'COMPLETE' | 'FAILED';
    /** Why the status is `FAILED`. */
    readonly error: RequestError | null;
}
export interface LiveCall extends Observable<LiveCallState> {
    /** Say the caller's next words in a text call. */
    send(text: string): Promise<Result<SuccessOf<SendMessageMutation>, ErrorOf<SendMessageMutation> | RequestError>>;
    /** End the call as its caller does. */
    end(): Promise<Result<SuccessOf<EndCallMutation>, ErrorOf<EndCallMutation> | RequestError>>;
}
export interface LiveCallOptions {
    /** How many durable events the state holds at most. */
    readonly keepEvents?: number;
}
export declare function liveCall(studio: Studio, callId: string, options?: LiveCallOptions): LiveCall;
