export interface Tokens {
    readonly accessToken: string;
    readonly refreshToken: string;
    /** When the access token expires. */
    readonly expiresAt: string;
    /** The same for all tokens of a session. */
    readonly sessionId?: string;
    /** Where the browser ends the session at the identity provider. */
    readonly endSessionUrl?: string | null;
}
export interface TokenStore {
    /** Sessions with the same name share their tokens, so they refresh them one at a time. */
    readonly name: string;
    load(): Tokens | null;
    save(tokens: Tokens | null): void;
    /** Report changes that others made, such as another tab; returns the function that ends this. */
    watch?(listener: () => void): () => void;
}
/** Tokens that are gone when the page or the process is. */
export declare function memoryStore(tokens?: Tokens | null): TokenStore;
export interface BrowserStoreOptions {
    /** `localStorage`, which all tabs share and which outlives them, or `sessionStorage`. */
    readonly storage?: Storage;
    readonly key?: string;
}
/** Tokens in the storage of the browser. Any script of the same origin can read them. */
export declare function browserStore(options?: BrowserStoreOptions): TokenStore;
