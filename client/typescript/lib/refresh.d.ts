import { type RefreshSessionMutation } from './generated/graphql.js';
import { type Result } from './results.js';
import type { Tokens, TokenStore } from './tokens.js';
type Refresh = (refreshToken: string, timeoutMs: number) => Promise<Result<RefreshSessionMutation>>;
export declare const REFRESH: string & import("./documents.js").DocumentTypeDecoration<RefreshSessionMutation, import("./generated/graphql.js").Exact<{
    input: import("./generated/graphql.js").SessionInput;
}>>;
export declare const SIGNED_OUT: import("./results.js").RequestError;
export declare class TokenRefresher {
    #private;
    private readonly store;
    private readonly refresh;
    private readonly save;
    constructor(store: TokenStore, refresh: Refresh, save: (tokens: Tokens | null) => void);
    /** Tokens that are valid for a while. `rejected` is an access token that the API refused. */
    valid(rejected: string | undefined, signal: AbortSignal | undefined): Promise<Result<Tokens>>;
}
export {};
