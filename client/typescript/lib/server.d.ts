import { type CallKind } from './generated/graphql.js';
import type { Studio } from './studio.js';
export interface CallHandlerOptions {
    /** A client with an API key. For voice calls its only scope should be `CALLS_JOIN`; text calls need
     * `CALLS_WRITE`. */
    readonly studio: Studio;
    /** Slug of the published workflow that visitors talk to. */
    readonly workflow: string;
    /** The kinds of calls that visitors may start; voice calls if omitted. */
    readonly kinds?: readonly Extract<CallKind, 'VOIP' | 'TEXT'>[];
    /** At least 32 random characters that only this server knows; needed for text calls. It signs the tickets
     * with which visitors come back to their calls. */
    readonly secret?: string;
    /** How long a visitor can come back to a text call; four hours if omitted. */
    readonly ticketSeconds?: number;
    /** Whether a visitor may start a call now. This is the place for limits and sign-in of your own. */
    readonly admit?: (request: Request) => boolean | Promise<boolean>;
}
/** Answers the requests of the widget. It takes and returns the Request and Response of the platform. */
export type CallHandler = (request: Request) => Promise<Response>;
export declare function createCallHandler(options: CallHandlerOptions): CallHandler;
