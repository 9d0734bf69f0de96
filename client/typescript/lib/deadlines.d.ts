/** Run something with a signal that aborts after the deadline or with the signal of the caller.
 *
 * If the caller gave up, this rejects with the reason of their signal; after the deadline, with `Expired`. */
export declare function withDeadline<Value>(milliseconds: number, signal: AbortSignal | undefined | null, run: (signal: AbortSignal) => Promise<Value>): Promise<Value>;
export declare class Expired extends Error {
    readonly name = "Expired";
    constructor(milliseconds: number);
}
/** The outcome of a promise, unless the signal aborts first. */
export declare function untilAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value>;
/** Wait, but not for longer than the browser is offline. */
export declare function pause(milliseconds: number): Promise<void>;
/** Milliseconds before attempt number `attempt` (1, 2, …): exponential, at most 5 s, with jitter. */
export declare const backoff: (attempt: number) => number;
