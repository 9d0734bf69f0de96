import type { TypedError } from './results.js';
export interface StartOptions {
    /** Where the browser comes back to; this page if omitted. Its origin has to be allowed by the API. */
    readonly returnTo?: string;
    /** The token of an invitation that this sign-in accepts. */
    readonly invitation?: string;
}
export interface Handoff {
    readonly handoff: string;
    readonly verifier: string;
    readonly invitation: string | null;
}
export declare function startingAddress(startUrl: string, options: StartOptions): Promise<string>;
/** What the fragment of the address says. It is removed, because a handoff works once. */
export declare function readReturn(): Handoff | TypedError | null;
