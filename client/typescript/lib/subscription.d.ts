import type { GraphQLRequest } from './http.js';
import { type RequestError, type Result } from './results.js';
import type { SocketPool } from './socket-pool.js';
import type { Message } from './socket.js';
export interface Link {
    readonly sockets: SocketPool;
    /** A valid access token instead of the one that the API refused; undefined for an API key. */
    readonly refresh: ((rejected: string | undefined) => Promise<Result<string>>) | undefined;
}
export interface Receiver {
    next(message: Message): void;
}
/** Run a subscription until it completes or the signal aborts (null), or fails for good (the error).
 *
 * The variable `after` follows the cursors that were received, so that an attempt continues where the last
 * one ended. A list without cursors starts with a snapshot at each attempt. */
export declare function runSubscription(link: Link, request: GraphQLRequest, receiver: Receiver, signal: AbortSignal): Promise<RequestError | null>;
/** The cursor of an event: the root field is an object with one. */
export declare function cursorOf(data: unknown): string | undefined;
