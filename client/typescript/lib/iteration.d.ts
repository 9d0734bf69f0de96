import type { GraphQLRequest } from './http.js';
import { type Link } from './subscription.js';
/** The values of a subscription. After each pause it continues after the cursor of the last value. */
export declare function iterate<Data>(link: Link, request: GraphQLRequest, signal: AbortSignal | undefined, bufferSize?: number): AsyncGenerator<Data, void, undefined>;
