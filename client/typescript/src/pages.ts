// Pages of Relay connections, in both directions.

import { textOf, type TypedDocument } from './documents.js';
import { requestError, RequestFailed } from './results.js';
import type { Studio } from './studio.js';

export interface Connection<Node> {
  readonly edges: readonly { readonly node: Node }[];
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

const PAGE_SIZE = 50;

/** The pages of a connection, each with its items in the order of the list. Rejects with `RequestFailed`. */
export async function* pages<Data, Variables, Page extends Connection<unknown>>(
  studio: Studio,
  document: TypedDocument<Data, Variables>,
  variables: Given<Variables>,
  options: PagesOptions<Data, Page>,
): AsyncGenerator<Page, void, undefined> {
  const { select, direction = 'forward', pageSize = PAGE_SIZE, signal, timeoutMs } = options;
  const isForward = direction === 'forward';
  const limits = { ...(signal ? { signal } : {}), ...(timeoutMs ? { timeoutMs } : {}) };
  const untyped = new String(textOf(document)) as TypedDocument<Data, Record<string, unknown>>;
  let cursor: string | null = null;
  for (;;) {
    const position: Record<string, unknown> = isForward
      ? { first: pageSize, after: cursor }
      : { last: pageSize, before: cursor };
    const result = await studio.query(untyped, { ...variables, ...position }, limits);
    if (!result.ok) throw new RequestFailed(result.error);
    const page = select(result.value);
    // A list that could not be read is not one that has ended.
    if (!page && result.errors.length > 0) throw new RequestFailed(requestError(result.errors));
    if (!page) return;
    yield page;
    const { hasNextPage, hasPreviousPage, startCursor, endCursor }: Connection<unknown>['pageInfo'] = page.pageInfo;
    const next: string | null | undefined = isForward ? endCursor : startCursor;
    if (!(isForward ? hasNextPage : hasPreviousPage)) return;
    if (next === undefined || next === null) {
      throw new TypeError(`The document has to select ${isForward ? 'endCursor' : 'startCursor'} of pageInfo.`);
    }
    cursor = next;
  }
}

/** The items of a connection: from the first one on, or backward from the last one on. */
export async function* nodes<Data, Variables, Page extends Connection<unknown>>(
  studio: Studio,
  document: TypedDocument<Data, Variables>,
  variables: Given<Variables>,
  options: PagesOptions<Data, Page>,
): AsyncGenerator<NodeOf<Page>, void, undefined> {
  for await (const { edges } of pages(studio, document, variables, options)) {
    const ordered = options.direction === 'backward' ? [...edges].reverse() : edges;
    for (const { node } of ordered) yield node as NodeOf<Page>;
  }
}
