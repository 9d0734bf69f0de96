export declare const hexOf: (bytes: Uint8Array) => string;
/** An idempotency key. `crypto.randomUUID` exists in secure contexts only, so not on a page of plain http. */
export declare const newKey: () => string;
