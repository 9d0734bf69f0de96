// The tokens of a session, and where they are kept.
/** Tokens that are gone when the page or the process is. */
export function memoryStore(tokens = null) {
    return {
        name: `memory-${Math.random().toString(36).slice(2)}`,
        load: () => tokens,
        save: (changed) => {
            tokens = changed;
        },
    };
}
/** Tokens in the storage of the browser. Any script of the same origin can read them. */
export function browserStore(options = {}) {
    const { storage = globalThis.localStorage, key = 'agent-studio:tokens' } = options;
    return {
        name: key,
        load: () => parse(storage.getItem(key)),
        save: (tokens) => {
            if (tokens)
                storage.setItem(key, JSON.stringify(tokens));
            else
                storage.removeItem(key);
        },
        watch: (listener) => {
            const changed = (event) => {
                // A null key reports that all of the storage was cleared.
                if (event.storageArea === storage && (event.key === key || event.key === null))
                    listener();
            };
            globalThis.addEventListener('storage', changed);
            return () => globalThis.removeEventListener('storage', changed);
        },
    };
}
function parse(text) {
    try {
        return JSON.parse(text ?? 'null');
    }
    catch {
        return null;
    }
}
