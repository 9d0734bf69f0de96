// The tokens of a session, and where they are kept.

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
export function memoryStore(tokens: Tokens | null = null): TokenStore {
  return {
    name: `memory-${Math.random().toString(36).slice(2)}`,
    load: () => tokens,
    save: (changed) => {
      tokens = changed;
    },
  };
}

export interface BrowserStoreOptions {
  /** `localStorage`, which all tabs share and which outlives them, or `sessionStorage`. */
  readonly storage?: Storage;
  readonly key?: string;
}

/** Tokens in the storage of the browser. Any script of the same origin can read them. */
export function browserStore(options: BrowserStoreOptions = {}): TokenStore {
  const { storage = globalThis.localStorage, key = 'agent-studio:tokens' } = options;
  return {
    name: key,
    load: () => parse(storage.getItem(key)),
    save: (tokens) => {
      if (tokens) storage.setItem(key, JSON.stringify(tokens));
      else storage.removeItem(key);
    },
    watch: (listener) => {
      const changed = (event: StorageEvent) => {
        // A null key reports that all of the storage was cleared.
        if (event.storageArea === storage && (event.key === key || event.key === null)) listener();
      };
      globalThis.addEventListener('storage', changed);
      return () => globalThis.removeEventListener('storage', changed);
    },
  };
}

function parse(text: string | null): Tokens | null {
  try {
    return JSON.parse(text ?? 'null') as Tokens | null;
  } catch {
    return null;
  }
}
