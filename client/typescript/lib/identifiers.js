// Identifiers that no other page makes.
export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
/** An idempotency key. `crypto.randomUUID` exists in secure contexts only, so not on a page of plain http. */
export const newKey = () => hexOf(crypto.getRandomValues(new Uint8Array(16)));
