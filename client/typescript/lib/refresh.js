// The refresh of tokens: one at a time in this page, and across its tabs where the browser has Web Locks.
import { pause, untilAborted } from './deadlines.js';
import { RefreshSessionDocument } from './generated/graphql.js';
import { transportError } from './http.js';
import { clientError, failure, success, TRANSIENT } from './results.js';
/** The API accepts a refresh token again for 30 s if its response was lost, so all attempts fit into that. */
const ATTEMPT_TIMEOUT_MS = 5_000;
const PAUSES_MS = [250, 1_000, 3_000];
const LOCK_TIMEOUT_MS = 30_000;
const STORE_TIMEOUT_MS = 1_000;
const EXPIRY_MARGIN_MS = 5_000;
export const REFRESH = RefreshSessionDocument.toString();
export const SIGNED_OUT = clientError('SIGNED_OUT', 'There is no session, or it has ended.');
export class TokenRefresher {
    store;
    refresh;
    save;
    #running = null;
    constructor(store, refresh, save) {
        this.store = store;
        this.refresh = refresh;
        this.save = save;
    }
    /** Tokens that are valid for a while. `rejected` is an access token that the API refused. */
    async valid(rejected, signal) {
        const tokens = this.store.load();
        if (!tokens)
            return failure(SIGNED_OUT);
        if (isUsable(tokens, rejected))
            return success(tokens);
        const known = rejected === tokens.accessToken ? tokens.refreshToken : undefined;
        this.#running ??= this.#exclusively(known)
            .catch((error) => failure(transportError(error)))
            .finally(() => {
            this.#running = null;
        });
        return signal ? untilAborted(signal, this.#running) : this.#running;
    }
    /** `known`: the refresh token next to an access token that the API refused. */
    async #exclusively(known) {
        const locks = globalThis.navigator?.locks;
        if (!locks)
            return this.#refresh(known);
        const name = `agent-studio:refresh:${this.store.name}`;
        const before = this.store.load()?.refreshToken;
        const alone = await locks.request(name, { ifAvailable: true }, async (lock) => lock && this.#refresh(known));
        return alone ?? this.#afterAnotherTab(locks, name, before, known);
    }
    async #afterAnotherTab(locks, name, before, known) {
        try {
            return await locks.request(name, { signal: AbortSignal.timeout(LOCK_TIMEOUT_MS) }, async () => {
                await this.#untilChanged(before);
                return this.#refresh(known);
            });
        }
        catch {
            // The other tab holds the lock and does not run. The API admits two refreshes at once.
            return this.#refresh(known);
        }
    }
    /** What another tab has stored may arrive later than its lock. */
    async #untilChanged(before) {
        if (this.store.load()?.refreshToken !== before)
            return;
        await new Promise((resolve) => {
            const timer = setTimeout(finish, STORE_TIMEOUT_MS);
            const unwatch = this.store.watch?.(finish);
            function finish() {
                clearTimeout(timer);
                unwatch?.();
                resolve();
            }
        });
    }
    async #refresh(known) {
        for (let attempt = 0;; attempt += 1) {
            // Read again each time: another tab may have refreshed, or signed out.
            const tokens = this.store.load();
            if (!tokens)
                return failure(SIGNED_OUT);
            if (tokens.refreshToken !== known && isUsable(tokens))
                return success(tokens);
            const result = await this.refresh(tokens.refreshToken, ATTEMPT_TIMEOUT_MS);
            const milliseconds = PAUSES_MS[attempt];
            if (result.ok)
                return this.#finish(tokens, result.value.refreshSession);
            if (milliseconds === undefined || !TRANSIENT.has(result.error.code))
                return result;
            await pause(milliseconds);
        }
    }
    #finish(old, answer) {
        // What someone did in the meantime counts: signing out, signing in again, switching the tenant.
        const current = this.store.load();
        if (current?.refreshToken !== old.refreshToken)
            return current ? success(current) : failure(SIGNED_OUT);
        if (answer.__typename === 'LoginSuccess') {
            const { accessToken, refreshToken, expiresAt } = answer;
            const tokens = { ...old, accessToken, refreshToken, expiresAt };
            this.save(tokens);
            return success(tokens);
        }
        this.save(null);
        return failure(SIGNED_OUT);
    }
}
function isUsable(tokens, rejected) {
    if (tokens.accessToken === rejected)
        return false;
    return Date.parse(tokens.expiresAt) > Date.now() + EXPIRY_MARGIN_MS;
}
