import { type TypedDocument } from './documents.js';
import type { Studio } from './studio.js';
export interface Connection<Node> {
    readonly edges: readonly {
        readonly node: Node;
    }[];
    readonly pageInfo: {
        readonly hasNextPage?: boolean;
        readonly hasPreviousPage?: boolean;
        readonly startCursor?: string | null;
        readonly endCursor?: string | null;
    };
}
export interface PagesOptions<Data, Page> {
    /** The connection in the data; null ends the iteration. */
    readonly select: (data: Data) => Page | null | undefined;
    /** Forward uses the variables `first` and `after`; backward starts at the end, with `last` and `before`. */
    readonly direction?: 'forward' | 'backward';
    /** At most 100. */
    readonly pageSize?: number;
    readonly signal?: AbortSignal;
    /** Deadline of each page. */
    readonly timeoutMs?: number;
}
type NodeOf<Page> = Page extends Connection<infer Node> ? Node : never;
/** The variables that the iteration does not set. */
type Given<Variables> = Omit<Variables, 'first' | 'after' | 'last' | 'before'>;
/** The pages of a connection, each with its items in the order of the list. Rejects with `RequestFailed`. */
export declare function pages<Data, Variables, Page extends Connection<unknown>>(studio: Studio, document: TypedDocument<Data, Variables>, variables: Given<Variables>, options: PagesOptions<Data, Page>): AsyncGenerator<Page, void, undefined>;
/** The items of a connection: from the first one on, or backward from the last one on. */
export declare function nodes<Data, Variables, Page extends Connection<unknown>>(studio: Studio, document: TypedDocument<Data, Variables>, variables: Given<Variables>, options: PagesOptions<Data, Page>): AsyncGenerator<NodeOf<Page>, void, undefined>;
export {};
