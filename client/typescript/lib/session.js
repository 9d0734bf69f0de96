// The session of a person: signing in and out, and an access token whenever one is needed.
import { textOf } from './documents.js';
import { FinishSignInDocument, LoginDocument, LogoutDocument, SignInOptionsDocument, SwitchTenantDocument, } from './generated/graphql.js';
import { endpointOf, fetchWhole, post } from './http.js';
import { newKey } from './identifiers.js';
import { Variable } from './observable.js';
import { REFRESH, TokenRefresher } from './refresh.js';
import { clientError, failure, success } from './results.js';
import { readReturn, startingAddress } from './single-sign-on.js';
import { browserStore, memoryStore } from './tokens.js';
export const REQUEST_TIMEOUT_MS = 30_000;
export function createSession(options = {}) {
    return new ApiSession(options);
}
class ApiSession {
    #endpoint;
    #store;
    #fetch;
    #timeoutMs;
    #refresher;
    #state;
    constructor(options) {
        this.#endpoint = endpointOf(options.url);
        this.#store = options.store ?? ('localStorage' in globalThis ? browserStore() : memoryStore());
        this.#fetch = options.fetch ?? ((...sent) => globalThis.fetch(...sent));
        this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
        this.#state = new Variable(stateOf(this.#store.load()));
        this.#store.watch?.(() => this.#show(this.#store.load()));
        this.#refresher = new TokenRefresher(this.#store, (refreshToken, timeoutMs) => this.#post(REFRESH, { input: { refreshToken } }, { timeoutMs }), (tokens) => this.#save(tokens));
    }
    get state() {
        return this.#state;
    }
    async signIn(credentials, options = {}) {
        const result = await this.#execute(LoginDocument, { input: credentials }, options);
        return result.ok ? this.#enter(result.value.login) : result;
    }
    async signInOptions(tenant, options = {}) {
        const result = await this.#execute(SignInOptionsDocument, { tenant }, options);
        return result.ok ? success(result.value.signInOptions ?? [], result.errors, result.extensions) : result;
    }
    startSingleSignOn(startUrl, options = {}) {
        return startingAddress(startUrl, options);
    }
    async finishSingleSignOn(options = {}) {
        const returned = readReturn();
        if (returned === null)
            return null;
        if ('code' in returned)
            return failure(returned);
        const result = await this.#execute(FinishSignInDocument, { input: returned }, options);
        if (!result.ok)
            return result;
        const answer = result.value.finishSignIn;
        if (answer.__typename !== 'FinishSignInSuccess')
            return this.#enter(answer);
        return this.#enter({ ...answer.session, __typename: 'LoginSuccess' }, answer.endSessionUrl ?? null);
    }
    adopt(tokens) {
        this.#save({ ...tokens, sessionId: newKey() });
    }
    async switchTenant(id, options = {}) {
        const token = await this.accessToken(options.signal ? { signal: options.signal } : {});
        if (!token.ok)
            return token;
        const result = await this.#execute(SwitchTenantDocument, { input: { id } }, options, token.value);
        return result.ok ? this.#enter(result.value.switchTenant, this.#store.load()?.endSessionUrl ?? null) : result;
    }
    async signOut(options = {}) {
        const tokens = this.#store.load();
        this.#save(null);
        if (!tokens)
            return { endSessionUrl: null, error: null };
        const input = { refreshToken: tokens.refreshToken };
        const ended = await this.#execute(LogoutDocument, { input }, options);
        return { endSessionUrl: tokens.endSessionUrl ?? null, error: ended.ok ? null : ended.error };
    }
    async accessToken(options = {}) {
        const tokens = await this.#refresher.valid(options.rejected, options.signal);
        return tokens.ok ? success(tokens.value.accessToken) : tokens;
    }
    #enter(answer, endSessionUrl = null) {
        if ('code' in answer && 'message' in answer)
            return failure(answer);
        const { accessToken, refreshToken, expiresAt } = answer;
        if (!accessToken || !refreshToken || !expiresAt) {
            return failure(clientError('BAD_RESPONSE', `The API returned ${answer.__typename} without tokens.`));
        }
        this.#save({ accessToken, refreshToken, expiresAt, endSessionUrl, sessionId: newKey() });
        return success({ endSessionUrl });
    }
    #save(tokens) {
        this.#store.save(tokens);
        this.#show(tokens);
    }
    #show(tokens) {
        const [shown, next] = [this.#state.get(), stateOf(tokens)];
        if (next?.id !== shown?.id || next?.expiresAt !== shown?.expiresAt)
            this.#state.set(next);
    }
    #execute(document, variables, options, token) {
        return this.#post(textOf(document), variables, options, token);
    }
    #post(query, variables, options, token) {
        const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
        const send = (init) => {
            const headers = new Headers(init.headers);
            if (token)
                headers.set('authorization', `Bearer ${token}`);
            return fetchWhole(this.#fetch, this.#endpoint, { ...init, headers }, timeoutMs);
        };
        return post(send, { query, variables }, options.signal);
    }
}
const stateOf = (tokens) => tokens && { id: tokens.sessionId ?? null, expiresAt: tokens.expiresAt };
