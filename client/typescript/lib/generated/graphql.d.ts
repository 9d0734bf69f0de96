import type { DocumentTypeDecoration } from '../documents.js';
export type Maybe<T> = T | null;
export type InputMaybe<T> = T | null | undefined;
export type Exact<T extends {
    [key: string]: unknown;
}> = {
    [K in keyof T]: T[K];
};
export type MakeOptional<T, K extends keyof T> = Omit<T, K> & {
    [SubKey in K]?: Maybe<T[SubKey]>;
};
export type MakeMaybe<T, K extends keyof T> = Omit<T, K> & {
    [SubKey in K]: Maybe<T[SubKey]>;
};
export type MakeEmpty<T extends {
    [key: string]: unknown;
}, K extends keyof T> = {
    [_ in K]?: never;
};
export type Incremental<T> = T | {
    [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never;
};
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
    ID: {
        input: string;
        output: string;
    };
    String: {
        input: string;
        output: string;
    };
    Boolean: {
        input: boolean;
        output: boolean;
    };
    Int: {
        input: number;
        output: number;
    };
    Float: {
        input: number;
        output: number;
    };
    Cursor: {
        input: string;
        output: string;
    };
    DateTime: {
        input: string;
        output: string;
    };
    Duration: {
        input: string;
        output: string;
    };
    JSON: {
        input: unknown;
        output: unknown;
    };
    Money: {
        input: string;
        output: string;
    };
};
export type AcceptInvitationInput = {
    token: Scalars['String']['input'];
    password?: InputMaybe<Scalars['String']['input']>;
    name?: InputMaybe<Scalars['String']['input']>;
    code?: InputMaybe<Scalars['String']['input']>;
};
export type AgentBy = {
    id: Scalars['ID']['input'];
    name?: never;
} | {
    id?: never;
    name: Scalars['String']['input'];
};
export type AgentFilter = {
    search?: InputMaybe<Scalars['String']['input']>;
    tool?: InputMaybe<Scalars['String']['input']>;
    workflow?: InputMaybe<Scalars['String']['input']>;
    used?: InputMaybe<Scalars['Boolean']['input']>;
};
export type AllowedHoursInput = {
    start?: InputMaybe<Scalars['String']['input']>;
    end?: InputMaybe<Scalars['String']['input']>;
    timeZone?: InputMaybe<Scalars['String']['input']>;
};
export type AnswerEvidence = 'WORDS' | 'TONE' | 'SILENCE' | 'LENGTH' | 'MODEL';
export type AnsweringParty = 'PERSON' | 'VOICEMAIL' | 'SCREENER' | 'IVR' | 'NO_MESSAGE' | 'UNREACHABLE' | 'FAX' | 'UNSURE';
export type ApiCallInput = {
    url?: Scalars['String']['input'];
    endpoint?: Scalars['String']['input'];
    method?: Method;
    headers?: InputMaybe<Scalars['JSON']['input']>;
    query?: InputMaybe<Scalars['JSON']['input']>;
    body?: InputMaybe<Scalars['JSON']['input']>;
    /** @deprecated Use `timeLimit`. */
    timeout?: InputMaybe<Scalars['Float']['input']>;
    timeLimit?: InputMaybe<Scalars['Duration']['input']>;
    retries?: Scalars['Int']['input'];
    retryUnsafe?: Scalars['Boolean']['input'];
    save?: InputMaybe<Scalars['JSON']['input']>;
};
export type ApiKeyKind = 'STANDARD' | 'JOIN';
export type ApiKeyState = 'LIVE' | 'EXPIRED' | 'REVOKED';
export type Attestation = 'FULL' | 'PARTIAL' | 'GATEWAY' | 'NONE' | 'FAILED';
export type AuditFilter = {
    kinds?: InputMaybe<Array<AuditKind>>;
    actor?: InputMaybe<Scalars['String']['input']>;
    target?: InputMaybe<Scalars['ID']['input']>;
    action?: InputMaybe<Scalars['String']['input']>;
    sessionId?: InputMaybe<Scalars['ID']['input']>;
    address?: InputMaybe<Scalars['String']['input']>;
    at?: InputMaybe<TimeRange>;
};
export type AuditKind = 'CREATED' | 'UPDATED' | 'DELETED' | 'SIGNED_IN' | 'SIGNED_OUT' | 'SIGN_IN_FAILED' | 'SESSION_ENDED' | 'REFUSED' | 'EXPORTED' | 'ACCESSED' | 'ENDED' | 'TESTED' | 'SHORTENED' | 'ERASED' | 'OTHER';
export type Blame = 'CALLER' | 'AGENT' | 'API' | 'PROVIDER' | 'CARRIER' | 'PLATFORM' | 'CONFIG';
export type Budget = 'CONCURRENT_CALLS' | 'MINUTES_PER_MONTH' | 'SPEND_PER_MONTH' | 'REQUESTS_PER_MINUTE' | 'SOCKETS' | 'SUBSCRIPTIONS' | 'AGENTS' | 'TOOLS' | 'WORKFLOWS' | 'STORAGE_MEGABYTES';
export type BudgetsInput = {
    concurrentCalls?: InputMaybe<Scalars['Int']['input']>;
    minutesPerMonth?: InputMaybe<Scalars['Int']['input']>;
    spendPerMonth?: InputMaybe<Scalars['Money']['input']>;
    spendPerCall?: InputMaybe<Scalars['Money']['input']>;
};
export type CallAnsweringInput = {
    enabled?: InputMaybe<Scalars['Boolean']['input']>;
    voicemail?: InputMaybe<VoicemailAction>;
    message?: InputMaybe<Scalars['String']['input']>;
    screener?: InputMaybe<ScreenerAction>;
    introduction?: InputMaybe<Scalars['String']['input']>;
    ivr?: InputMaybe<IvrAction>;
    goal?: InputMaybe<Scalars['String']['input']>;
    askModel?: InputMaybe<Scalars['Boolean']['input']>;
    silenceTimeout?: InputMaybe<Scalars['Duration']['input']>;
    toneTimeout?: InputMaybe<Scalars['Duration']['input']>;
    screeningTimeout?: InputMaybe<Scalars['Duration']['input']>;
};
export type CallFilter = {
    states?: InputMaybe<Array<CallState>>;
    kinds?: InputMaybe<Array<CallKind>>;
    directions?: InputMaybe<Array<Direction>>;
    endReasons?: InputMaybe<Array<EndReason>>;
    blames?: InputMaybe<Array<Blame>>;
    workflowId?: InputMaybe<Scalars['ID']['input']>;
    workflow?: InputMaybe<WorkflowBy>;
    versionId?: InputMaybe<Scalars['ID']['input']>;
    agent?: InputMaybe<Scalars['String']['input']>;
    tool?: InputMaybe<Scalars['String']['input']>;
    userId?: InputMaybe<Scalars['String']['input']>;
    phoneNumber?: InputMaybe<Scalars['String']['input']>;
    metadata?: InputMaybe<Array<MetadataFilter>>;
    created?: InputMaybe<TimeRange>;
    duration?: InputMaybe<DurationRange>;
    cost?: InputMaybe<MoneyRange>;
    live?: InputMaybe<Scalars['Boolean']['input']>;
};
export type CallKind = 'VOIP' | 'SIP' | 'TEXT';
export type CallOrder = {
    by?: CallSort;
    direction?: SortDirection;
};
export type CallSort = 'CREATED_AT' | 'DURATION' | 'COST';
export type CallState = 'PENDING' | 'CONNECTING' | 'DIALING' | 'RINGING' | 'ACTIVE' | 'ENDING' | 'COMPLETED' | 'NO_ANSWER' | 'BUSY' | 'FAILED' | 'CANCELED';
export type CallTransferInput = {
    callId: Scalars['ID']['input'];
    number: Scalars['String']['input'];
    mode?: TransferMode;
    trunk?: InputMaybe<Scalars['String']['input']>;
    extension?: InputMaybe<Scalars['String']['input']>;
    brief?: InputMaybe<Scalars['String']['input']>;
    ringingTimeout?: InputMaybe<Scalars['Duration']['input']>;
    announcement?: InputMaybe<Scalars['String']['input']>;
    idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};
export type ChangeKind = 'ADDED' | 'REMOVED' | 'CHANGED';
export type ChangeMemberRoleInput = {
    id: Scalars['ID']['input'];
    role: Scalars['String']['input'];
};
export type ChangePasswordInput = {
    currentPassword: Scalars['String']['input'];
    newPassword: Scalars['String']['input'];
};
export type CollectDigitsInput = {
    name: Scalars['String']['input'];
    prompt?: Scalars['String']['input'];
    retryPrompt?: Scalars['String']['input'];
    count?: InputMaybe<Scalars['Int']['input']>;
    min?: InputMaybe<Scalars['Int']['input']>;
    max?: InputMaybe<Scalars['Int']['input']>;
    terminator?: Scalars['String']['input'];
    allowed?: Scalars['String']['input'];
    firstKeyTimeout?: InputMaybe<Scalars['Duration']['input']>;
    nextKeyTimeout?: InputMaybe<Scalars['Duration']['input']>;
    attempts?: Scalars['Int']['input'];
    masked?: Scalars['Boolean']['input'];
    saveTo?: InputMaybe<Scalars['String']['input']>;
};
export type ConditionalInput = {
    condition: Scalars['String']['input'];
    then?: Array<ToolActionInput>;
    otherwise?: Array<ToolActionInput>;
};
export type ConfirmTotpInput = {
    code: Scalars['String']['input'];
};
export type ConnectionInput = {
    source: Scalars['String']['input'];
    target: Scalars['String']['input'];
    description?: Scalars['String']['input'];
    condition?: InputMaybe<Scalars['String']['input']>;
    priority?: Scalars['Int']['input'];
    isDefault?: Scalars['Boolean']['input'];
    mayRepeat?: Scalars['Int']['input'];
    contextPolicy?: ContextPolicy;
    lastN?: Scalars['Int']['input'];
    contextPassed?: Array<Scalars['String']['input']>;
};
export type ContextPathInput = {
    path: Scalars['String']['input'];
};
export type ContextPolicy = 'FULL' | 'LAST_N' | 'SUMMARY' | 'VARIABLES_ONLY';
export type ContextSetInput = {
    path: Scalars['String']['input'];
    value?: InputMaybe<Scalars['JSON']['input']>;
};
export type CreateAgentInput = {
    name: Scalars['String']['input'];
    displayName?: InputMaybe<Scalars['String']['input']>;
    description?: InputMaybe<Scalars['String']['input']>;
    prompt: PromptInput;
    llm?: InputMaybe<ProviderChoiceInput>;
    stt?: InputMaybe<ProviderChoiceInput>;
    tts?: InputMaybe<ProviderChoiceInput>;
    vad?: InputMaybe<ProviderChoiceInput>;
    voices?: Array<VoiceInput>;
    languages?: Array<Scalars['String']['input']>;
    defaultLanguage?: InputMaybe<Scalars['String']['input']>;
    keyterms?: Array<Scalars['String']['input']>;
    session?: InputMaybe<SessionSettingsInput>;
    spokenTexts?: Array<SpokenTextTemplateInput>;
    tools?: Array<Scalars['String']['input']>;
};
export type CreateApiKeyInput = {
    name: Scalars['String']['input'];
    role?: InputMaybe<Scalars['String']['input']>;
    scopes?: InputMaybe<Array<Scope>>;
    allowedAddresses?: Array<Scalars['String']['input']>;
    expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
};
export type CreateAuditExportInput = {
    at?: InputMaybe<TimeRange>;
};
export type CreateIdentityProviderInput = {
    name: Scalars['String']['input'];
    label: Scalars['String']['input'];
    issuer: Scalars['String']['input'];
    clientId: Scalars['String']['input'];
    clientSecret?: InputMaybe<Scalars['String']['input']>;
    oauthScopes?: Array<Scalars['String']['input']>;
    groupsClaim?: InputMaybe<Scalars['String']['input']>;
    roleRules?: Array<RoleRuleInput>;
    defaultRole?: InputMaybe<Scalars['String']['input']>;
    trustedDomains?: Array<Scalars['String']['input']>;
    createsUsers?: Scalars['Boolean']['input'];
    requiredClaims?: Array<RequiredClaimInput>;
    sessionDuration?: InputMaybe<Scalars['Duration']['input']>;
    isEnabled?: Scalars['Boolean']['input'];
};
export type CreateInboundTrunkInput = {
    name: Scalars['String']['input'];
    allowedAddresses: Array<Scalars['String']['input']>;
    mediaEncryption?: MediaEncryption;
    username?: InputMaybe<Scalars['String']['input']>;
    password?: InputMaybe<Scalars['String']['input']>;
    contextHeaders?: Array<Scalars['String']['input']>;
    maxDuration?: InputMaybe<Scalars['Duration']['input']>;
    isEnabled?: Scalars['Boolean']['input'];
};
export type CreateOutboundTrunkInput = {
    name: Scalars['String']['input'];
    address: Scalars['String']['input'];
    transport?: SipTransport;
    mediaEncryption?: MediaEncryption;
    username?: InputMaybe<Scalars['String']['input']>;
    password?: InputMaybe<Scalars['String']['input']>;
    region: Scalars['String']['input'];
    allowedRegions?: Array<Scalars['String']['input']>;
    allowedPrefixes?: Array<Scalars['String']['input']>;
    allowedShortNumbers?: Array<Scalars['String']['input']>;
    limits?: InputMaybe<DialLimitsInput>;
    maxDuration?: InputMaybe<Scalars['Duration']['input']>;
    isEnabled?: Scalars['Boolean']['input'];
};
export type CreatePasswordResetLinkInput = {
    id: Scalars['ID']['input'];
};
export type CreatePhoneNumberInput = {
    number: Scalars['String']['input'];
    label?: InputMaybe<Scalars['String']['input']>;
    workflowId?: InputMaybe<Scalars['ID']['input']>;
    inboundTrunkId?: InputMaybe<Scalars['ID']['input']>;
    outboundTrunkId?: InputMaybe<Scalars['ID']['input']>;
    earlierCalls?: Scalars['Int']['input'];
    defaults?: InputMaybe<NumberDefaultsInput>;
    hold?: InputMaybe<HoldPolicyInput>;
    refusedAttestations?: Array<Attestation>;
};
export type CreateRoleInput = {
    name: Scalars['String']['input'];
    scopes: Array<Scope>;
    description?: InputMaybe<Scalars['String']['input']>;
};
export type CreateTenantInput = {
    slug: Scalars['String']['input'];
    name: Scalars['String']['input'];
    quotas?: InputMaybe<TenantQuotasInput>;
};
export type CreateToolInput = {
    name: Scalars['String']['input'];
    description: Scalars['String']['input'];
    parameters?: InputMaybe<Scalars['JSON']['input']>;
    parametersList?: InputMaybe<Array<ParameterInput>>;
    actions: Array<ToolActionInput>;
    onSuccess?: Array<ToolActionInput>;
    onFailure?: Array<ToolActionInput>;
    /** @deprecated Use `timeLimit`. */
    timeout?: InputMaybe<Scalars['Float']['input']>;
    timeLimit?: InputMaybe<Scalars['Duration']['input']>;
    confirm?: Scalars['Boolean']['input'];
};
export type CreateWorkflowInput = {
    slug: Scalars['String']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    description?: InputMaybe<Scalars['String']['input']>;
    nodes?: Array<NodeInput>;
    connections?: Array<ConnectionInput>;
    sharedContext?: Array<Scalars['String']['input']>;
    recording?: InputMaybe<WorkflowRecordingInput>;
    answering?: InputMaybe<WorkflowAnsweringInput>;
};
export type DefaultsInput = {
    llm?: InputMaybe<ProviderChoiceInput>;
    stt?: InputMaybe<ProviderChoiceInput>;
    tts?: InputMaybe<ProviderChoiceInput>;
    vad?: InputMaybe<ProviderChoiceInput>;
    language?: InputMaybe<Scalars['String']['input']>;
};
export type DeleteAgentInput = {
    id: Scalars['ID']['input'];
};
export type DeleteCredentialInput = {
    provider: Scalars['String']['input'];
    label?: InputMaybe<Scalars['String']['input']>;
};
export type DeleteIdentityProviderInput = {
    id: Scalars['ID']['input'];
};
export type DeleteInboundTrunkInput = {
    id: Scalars['ID']['input'];
};
export type DeleteOutboundTrunkInput = {
    id: Scalars['ID']['input'];
};
export type DeletePhoneNumberInput = {
    id: Scalars['ID']['input'];
};
export type DeleteRecordingInput = {
    callId: Scalars['ID']['input'];
};
export type DeleteRoleInput = {
    id: Scalars['ID']['input'];
};
export type DeleteSecretInput = {
    name: Scalars['String']['input'];
};
export type DeleteTenantInput = {
    id: Scalars['ID']['input'];
    confirmSlug: Scalars['String']['input'];
    graceDays?: InputMaybe<Scalars['Int']['input']>;
};
export type DeleteToolInput = {
    id: Scalars['ID']['input'];
};
export type DeleteWorkflowInput = {
    id: Scalars['ID']['input'];
};
export type DialLimitsInput = {
    callsPerSecond?: InputMaybe<Scalars['Int']['input']>;
    concurrentCalls?: InputMaybe<Scalars['Int']['input']>;
    callsPerDay?: InputMaybe<Scalars['Int']['input']>;
    callsPerNumberPerHour?: InputMaybe<Scalars['Int']['input']>;
    minutesPerDay?: InputMaybe<Scalars['Int']['input']>;
};
export type DialRefusal = 'INVALID_NUMBER' | 'EMERGENCY_NUMBER' | 'SHORT_NUMBER' | 'PREMIUM_NUMBER' | 'REGION_NOT_ALLOWED' | 'TRUNK_DISABLED' | 'NO_TRUNK' | 'NO_CALLER_ID' | 'CALLER_ID_NOT_OWNED' | 'OUTSIDE_ALLOWED_HOURS' | 'TOO_MANY_CONCURRENT_CALLS' | 'TOO_MANY_CALLS_PER_DAY' | 'TOO_MANY_CALLS_TO_NUMBER' | 'TOO_MANY_MINUTES_PER_DAY' | 'TRUNK_PAUSED' | 'PRIVATE_ADDRESS' | 'UNRESOLVED_ADDRESS';
export type Direction = 'INBOUND' | 'OUTBOUND';
export type DraftOrder = {
    by?: DraftSort;
    direction?: SortDirection;
};
export type DraftSort = 'CREATED_AT' | 'UPDATED_AT' | 'NAME';
export type DurationRange = {
    min?: InputMaybe<Scalars['Duration']['input']>;
    max?: InputMaybe<Scalars['Duration']['input']>;
};
export type EndCallInput = {
    callId: Scalars['ID']['input'];
    byCaller?: Scalars['Boolean']['input'];
};
export type EndReason = 'HUNG_UP_BY_USER' | 'ENDED_BY_AGENT' | 'WORKFLOW_FINISHED' | 'TRANSFERRED' | 'ENDED_BY_API' | 'NO_ANSWER' | 'BUSY' | 'DECLINED' | 'INVALID_NUMBER' | 'VOICEMAIL' | 'SILENCE' | 'MAX_DURATION' | 'NO_WORKER' | 'WORKER_LOST' | 'ROOM_GONE' | 'DIAL_UNKNOWN' | 'PROVIDER_FAILED' | 'TRUNK_FAILED' | 'CANCELED' | 'BUDGET_SPENT' | 'INTERNAL' | 'UNREACHABLE' | 'CARRIER_REFUSED' | 'TRUNK_UNAUTHORIZED' | 'TELEPHONY_UNAVAILABLE' | 'DIAL_NOT_ALLOWED' | 'TRUNK_LIMIT' | 'LINE_LOST' | 'MESSAGE_LEFT' | 'SCREENED_OUT' | 'MACHINE_ANSWERED' | 'ABANDONED' | 'TENANT_SUSPENDED';
export type EndSessionInput = {
    id: Scalars['ID']['input'];
};
export type EndSessionsInput = {
    keepCurrent?: Scalars['Boolean']['input'];
};
export type EndSessionsOfMemberInput = {
    id: Scalars['ID']['input'];
};
export type Ending = 'SUCCEEDED' | 'FAILED' | 'REFUSED' | 'UNKNOWN';
export type EndpointInput = {
    name: Scalars['String']['input'];
    url: Scalars['String']['input'];
    headers?: InputMaybe<Scalars['JSON']['input']>;
};
export type EnrolTotpInput = {
    currentPassword: Scalars['String']['input'];
};
export type EntryAction = 'CONVERSE' | 'END_CALL' | 'ROUTE' | 'TRANSFER_CALL';
export type ErrorCode = 'INVALID_INPUT' | 'UNSUPPORTED_FORMAT' | 'NOT_FOUND' | 'WORKFLOW_NOT_FOUND' | 'DIAL_REFUSED' | 'NAME_TAKEN' | 'NUMBER_TAKEN' | 'REVISION_CONFLICT' | 'IN_USE' | 'LAST_OWNER' | 'ALREADY_MEMBER' | 'INVALID_TOKEN' | 'IDEMPOTENCY_CONFLICT' | 'WORKFLOW_NOT_PUBLISHED' | 'NOT_PUBLISHABLE' | 'NOT_CONVERTIBLE' | 'CALL_HAS_ENDED' | 'QUOTA_EXCEEDED' | 'PROVIDER_FAILED' | 'UNAUTHENTICATED' | 'SIGN_IN_REFUSED' | 'SECOND_FACTOR_REQUIRED' | 'SECOND_FACTOR_ACTIVE' | 'SECOND_FACTOR_NOT_PENDING' | 'TENANT_SUSPENDED';
export type FallbackInput = {
    provider: Scalars['String']['input'];
    model?: Scalars['String']['input'];
    credential?: InputMaybe<Scalars['String']['input']>;
    options?: InputMaybe<Scalars['JSON']['input']>;
};
export type FindingCode = 'NO_ENTRY' | 'MANY_ENTRIES' | 'NO_EXIT' | 'DUPLICATE_NODE' | 'UNKNOWN_AGENT' | 'UNKNOWN_NODE' | 'DUPLICATE_CONNECTION' | 'SELF_CONNECTION' | 'HANDOFF_NAME_TOO_LONG' | 'UNREACHABLE_NODE' | 'DEAD_END' | 'UNMARKED_CYCLE' | 'MANY_DEFAULTS' | 'USELESS_DEFAULT' | 'SKIPPED_TO_NOWHERE' | 'SKIPPED_DEAD_END' | 'ROUTES_TO_NOWHERE' | 'NEVER_TAKEN' | 'ALWAYS_TRUE' | 'NEVER_TRUE' | 'SHADOWED' | 'NO_MODEL' | 'UNKNOWN_PROVIDER' | 'UNKNOWN_MODEL' | 'UNKNOWN_OPTION' | 'INVALID_OPTION' | 'USELESS_FALLBACK' | 'NO_KEY' | 'LANGUAGE_NOT_KNOWN' | 'NO_VOICE' | 'VOICE_WITHOUT_LANGUAGE' | 'UNKNOWN_VOICE' | 'NO_SPOKEN_TEXT' | 'SPOKEN_TEXT_WITHOUT_LANGUAGE' | 'USELESS_ENDPOINTING' | 'NO_INTERIM_TRANSCRIPTS' | 'USELESS_INTERRUPTION' | 'UNKNOWN_TOOL' | 'TOOL_NAME_CLASH' | 'INVALID_WORKFLOW' | 'INVALID_AGENT' | 'INVALID_TOOL' | 'HANDOFF_WITHOUT_CONNECTION' | 'UNKNOWN_ENDPOINT' | 'UNKNOWN_MCP_SERVER' | 'MCP_TOOL_NOT_ALLOWED' | 'UNKNOWN_PARAMETER' | 'RESPONSE_TOO_EARLY' | 'UNDEFINED_VARIABLE' | 'UNSET_VARIABLE' | 'UNKNOWN_SETTING' | 'UNUSED_VARIABLE' | 'UNWRITTEN_KEY' | 'NO_RECORDINGS' | 'NO_ANSWERING_TEXT' | 'UNUSED_ANSWERING_TEXT' | 'TOO_COMPLEX' | 'NOT_CONVERTED' | 'PRIVATE_ADDRESS' | 'NO_TELEPHONE' | 'NO_PHONE_NUMBER' | 'TRANSFER_NOT_ALLOWED' | 'UNKNOWN_RESPONSE_PART' | 'WRONG_PARAMETER_VALUE' | 'UNKNOWN_DIGITS' | 'MASKED_DIGITS';
export type FinishSignInInput = {
    handoff: Scalars['String']['input'];
    verifier: Scalars['String']['input'];
    invitation?: InputMaybe<Scalars['String']['input']>;
};
export type FlagInput = {
    flag: Scalars['String']['input'];
};
export type HandoffInput = {
    node: Scalars['String']['input'];
};
export type HandoffVia = 'MODEL' | 'CONDITION' | 'TOOL' | 'DEFAULT' | 'OPERATOR';
export type HoldPolicyInput = {
    after?: InputMaybe<Scalars['Duration']['input']>;
    timeout?: InputMaybe<Scalars['Duration']['input']>;
    announcement?: InputMaybe<Scalars['String']['input']>;
    goodbye?: InputMaybe<Scalars['String']['input']>;
};
export type ImportBundleInput = {
    bundle: Scalars['JSON']['input'];
    publish?: Scalars['Boolean']['input'];
    dryRun?: Scalars['Boolean']['input'];
    settings?: SettingsImport;
};
export type ImportMcpToolsInput = {
    server: Scalars['String']['input'];
    tools: Array<Scalars['String']['input']>;
};
export type InterruptedBy = 'SOUND' | 'WORDS' | 'NOTHING';
export type InterruptionSettingsInput = {
    by?: InputMaybe<InterruptedBy>;
    minWords?: InputMaybe<Scalars['Int']['input']>;
    minDuration?: InputMaybe<Scalars['Duration']['input']>;
    ignore?: InputMaybe<Array<Scalars['String']['input']>>;
    always?: InputMaybe<Array<Scalars['String']['input']>>;
    resumeDelay?: InputMaybe<Scalars['Duration']['input']>;
};
export type InviteMemberInput = {
    email: Scalars['String']['input'];
    role: Scalars['String']['input'];
};
export type IvrAction = 'NAVIGATE' | 'TALK' | 'HANG_UP';
export type JoinCallInput = {
    callId: Scalars['ID']['input'];
};
export type LoginInput = {
    email: Scalars['String']['input'];
    password: Scalars['String']['input'];
    tenant?: InputMaybe<Scalars['String']['input']>;
    code?: InputMaybe<Scalars['String']['input']>;
};
export type McpCallInput = {
    server: Scalars['String']['input'];
    tool: Scalars['String']['input'];
    arguments?: InputMaybe<Scalars['JSON']['input']>;
    /** @deprecated Use `timeLimit`. */
    timeout?: InputMaybe<Scalars['Float']['input']>;
    timeLimit?: InputMaybe<Scalars['Duration']['input']>;
    save?: InputMaybe<Scalars['JSON']['input']>;
};
export type McpServerInput = {
    name: Scalars['String']['input'];
    url: Scalars['String']['input'];
    headers?: InputMaybe<Scalars['JSON']['input']>;
    allow?: Array<Scalars['String']['input']>;
};
export type McpStubInput = {
    server: Scalars['String']['input'];
    tool: Scalars['String']['input'];
    result?: InputMaybe<Scalars['JSON']['input']>;
    error?: Scalars['Boolean']['input'];
};
export type MediaEncryption = 'DISABLED' | 'ALLOWED' | 'REQUIRED';
export type MetadataFilter = {
    key: Scalars['String']['input'];
    value: Scalars['String']['input'];
};
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
export type MoneyRange = {
    min?: InputMaybe<Scalars['Money']['input']>;
    max?: InputMaybe<Scalars['Money']['input']>;
};
export type NodeInput = {
    id: Scalars['String']['input'];
    agent: Scalars['String']['input'];
    isEntry?: Scalars['Boolean']['input'];
    isExit?: Scalars['Boolean']['input'];
    skipCondition?: InputMaybe<Scalars['String']['input']>;
    onEntry?: EntryAction;
    transfer?: InputMaybe<NodeTransferInput>;
    position?: InputMaybe<PositionInput>;
};
export type NodeTransferInput = {
    number: Scalars['String']['input'];
    mode?: TransferMode;
    trunk?: InputMaybe<Scalars['String']['input']>;
    extension?: InputMaybe<Scalars['String']['input']>;
    brief?: InputMaybe<Scalars['String']['input']>;
    ringingTimeout?: InputMaybe<Scalars['Duration']['input']>;
    announcement?: InputMaybe<Scalars['String']['input']>;
};
export type NoteKind = 'ADDED' | 'CHANGED' | 'UNCHANGED' | 'CONVERTED' | 'DROPPED';
export type NumberDefaultsInput = {
    userContext?: InputMaybe<Scalars['JSON']['input']>;
    language?: InputMaybe<Scalars['String']['input']>;
    ringingTimeout?: InputMaybe<Scalars['Duration']['input']>;
    maxDuration?: InputMaybe<Scalars['Duration']['input']>;
    recording?: InputMaybe<Scalars['Boolean']['input']>;
};
export type Operation = 'APPEND' | 'REMOVE' | 'MERGE' | 'INCREMENT' | 'COUNT' | 'FIRST' | 'LAST' | 'SUM' | 'SORT' | 'UNIQUE' | 'JOIN' | 'SPLIT';
export type OptionType = 'NUMBER' | 'INTEGER' | 'BOOLEAN' | 'TEXT' | 'LIST';
export type ParameterInput = {
    name: Scalars['String']['input'];
    type: Scalars['String']['input'];
    required?: Scalars['Boolean']['input'];
    description?: InputMaybe<Scalars['String']['input']>;
    enum?: InputMaybe<Scalars['JSON']['input']>;
    default?: InputMaybe<Scalars['JSON']['input']>;
};
export type PauseReason = 'CARRIER_REFUSED' | 'TRUNK_UNAUTHORIZED';
export type PhoneNumberBy = {
    id: Scalars['ID']['input'];
    number?: never;
} | {
    id?: never;
    number: Scalars['String']['input'];
};
export type PositionInput = {
    x: Scalars['Float']['input'];
    y: Scalars['Float']['input'];
};
export type PreviewVoiceInput = {
    tts: ProviderChoiceInput;
    voice?: InputMaybe<Scalars['String']['input']>;
    language?: InputMaybe<Scalars['String']['input']>;
    text?: InputMaybe<Scalars['String']['input']>;
};
export type PriceInput = {
    kind: ProviderKind;
    provider: Scalars['String']['input'];
    model: Scalars['String']['input'];
    inputTokens?: InputMaybe<Scalars['Money']['input']>;
    cachedTokens?: InputMaybe<Scalars['Money']['input']>;
    outputTokens?: InputMaybe<Scalars['Money']['input']>;
    characters?: InputMaybe<Scalars['Money']['input']>;
    audioHour?: InputMaybe<Scalars['Money']['input']>;
    minute?: InputMaybe<Scalars['Money']['input']>;
};
export type PromptInput = {
    system?: InputMaybe<Scalars['String']['input']>;
    greeting?: InputMaybe<Scalars['String']['input']>;
    interruptibleGreeting?: InputMaybe<Scalars['Boolean']['input']>;
    variables?: InputMaybe<Array<VariableInput>>;
};
export type ProviderChoiceInput = {
    provider?: InputMaybe<Scalars['String']['input']>;
    model?: InputMaybe<Scalars['String']['input']>;
    credential?: InputMaybe<Scalars['String']['input']>;
    options?: InputMaybe<Scalars['JSON']['input']>;
    fallbacks?: InputMaybe<Array<FallbackInput>>;
};
export type ProviderKind = 'STT' | 'LLM' | 'TTS' | 'VAD' | 'TRUNK';
export type PublishWorkflowInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    note?: InputMaybe<Scalars['String']['input']>;
};
export type QueueStage = 'RINGING' | 'HOLD';
export type RecordingState = 'RECORDING' | 'PROCESSING' | 'READY' | 'FAILED' | 'DELETED';
export type RefusalReason = 'NOT_A_MEMBER' | 'EMAIL_NOT_VERIFIED' | 'NO_ROLE' | 'TOO_MANY_GROUPS' | 'CLAIM_MISMATCH' | 'PROVIDER_DISABLED' | 'SUSPENDED';
export type RemoveMemberInput = {
    id: Scalars['ID']['input'];
};
export type RemoveTotpInput = {
    currentPassword: Scalars['String']['input'];
    code: Scalars['String']['input'];
};
export type ReplaceRecoveryCodesInput = {
    code: Scalars['String']['input'];
};
export type RequestPasswordResetInput = {
    email: Scalars['String']['input'];
};
export type RequiredClaimInput = {
    name: Scalars['String']['input'];
    value: Scalars['String']['input'];
};
export type ResetPasswordInput = {
    token: Scalars['String']['input'];
    newPassword: Scalars['String']['input'];
};
export type RespondInput = {
    message: Scalars['String']['input'];
};
export type RestoreTenantInput = {
    id: Scalars['ID']['input'];
};
export type RestoreWorkflowInput = {
    id: Scalars['ID']['input'];
    versionId: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    publish?: Scalars['Boolean']['input'];
};
export type ResumeMemberInput = {
    id: Scalars['ID']['input'];
};
export type ResumeOutboundTrunkInput = {
    id: Scalars['ID']['input'];
};
export type ResumeTenantInput = {
    id: Scalars['ID']['input'];
};
export type RevokeApiKeyInput = {
    id: Scalars['ID']['input'];
};
export type RoleRuleInput = {
    group: Scalars['String']['input'];
    role: Scalars['String']['input'];
};
export type RotateApiKeyInput = {
    id: Scalars['ID']['input'];
    overlap?: InputMaybe<Scalars['Duration']['input']>;
    expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
};
export type RouteFault = 'REFUSED' | 'LIVEKIT_UNAVAILABLE' | 'NO_KEEPER';
export type Scope = 'AGENTS_READ' | 'AGENTS_WRITE' | 'TOOLS_READ' | 'TOOLS_WRITE' | 'WORKFLOWS_READ' | 'WORKFLOWS_WRITE' | 'CALLS_READ' | 'CALLS_WRITE' | 'CALLS_JOIN' | 'SETTINGS_READ' | 'SETTINGS_WRITE' | 'CREDENTIALS_READ' | 'CREDENTIALS_WRITE' | 'TELEPHONY_READ' | 'TELEPHONY_WRITE' | 'MEMBERS_READ' | 'MEMBERS_WRITE' | 'OWNERS_WRITE' | 'IDENTITY_PROVIDERS_READ' | 'IDENTITY_PROVIDERS_WRITE' | 'KEYS_READ' | 'KEYS_WRITE' | 'ROLES_READ' | 'ROLES_WRITE' | 'AUDIT_READ' | 'AUDIT_WRITE' | 'WORKERS_READ' | 'INSTALLATION_MANAGE';
export type ScreenerAction = 'ANSWER' | 'TALK' | 'HANG_UP';
export type SendDtmfInput = {
    digits: Scalars['String']['input'];
};
export type SendMessageInput = {
    callId: Scalars['ID']['input'];
    text: Scalars['String']['input'];
    idempotencyKey?: InputMaybe<Scalars['String']['input']>;
};
export type SessionInput = {
    refreshToken: Scalars['String']['input'];
};
export type SessionSettingsInput = {
    /** @deprecated Use `minEndpointingDelay`. */
    minEndpointing?: InputMaybe<Scalars['Float']['input']>;
    minEndpointingDelay?: InputMaybe<Scalars['Duration']['input']>;
    /** @deprecated Use `maxEndpointingDelay`. */
    maxEndpointing?: InputMaybe<Scalars['Float']['input']>;
    maxEndpointingDelay?: InputMaybe<Scalars['Duration']['input']>;
    /** @deprecated Use `disconnectAfter`. */
    autoDisconnect?: InputMaybe<Scalars['Float']['input']>;
    disconnectAfter?: InputMaybe<Scalars['Duration']['input']>;
    silence?: InputMaybe<Array<SilencePromptInput>>;
    /** @deprecated Use `timeLimit`. */
    maxDuration?: InputMaybe<Scalars['Float']['input']>;
    timeLimit?: InputMaybe<Scalars['Duration']['input']>;
    interruption?: InputMaybe<InterruptionSettingsInput>;
};
export type SetAuditRetentionInput = {
    days: Scalars['Int']['input'];
};
export type SetCredentialInput = {
    provider: Scalars['String']['input'];
    key: Scalars['String']['input'];
    label?: InputMaybe<Scalars['String']['input']>;
    baseUrl?: InputMaybe<Scalars['String']['input']>;
    region?: InputMaybe<Scalars['String']['input']>;
    headers?: InputMaybe<Scalars['JSON']['input']>;
};
export type SetSecretInput = {
    name: Scalars['String']['input'];
    value: Scalars['String']['input'];
    hosts?: InputMaybe<Array<Scalars['String']['input']>>;
};
export type SettingsImport = 'OVERRIDE' | 'ADD' | 'IGNORE';
export type Severity = 'ERROR' | 'WARNING';
export type SilencePromptInput = {
    /** @deprecated Use `delay`. */
    after?: InputMaybe<Scalars['Float']['input']>;
    delay?: InputMaybe<Scalars['Duration']['input']>;
    say?: Scalars['String']['input'];
};
export type SipTransport = 'UDP' | 'TCP' | 'TLS';
export type SortDirection = 'ASC' | 'DESC';
export type Speaker = 'CALLER' | 'AGENT';
export type SpokenText = 'CONNECTION_DROPPED' | 'CANNOT_ANSWER' | 'CANNOT_HEAR' | 'TECHNICAL_PROBLEM' | 'STILL_THERE' | 'ENDING_SOON' | 'BUDGET_EXHAUSTED';
export type SpokenTextTemplateInput = {
    text: SpokenText;
    language: Scalars['String']['input'];
    say: Scalars['String']['input'];
};
export type StartCallInput = {
    workflow: WorkflowBy;
    kind?: CallKind;
    userId?: InputMaybe<Scalars['String']['input']>;
    userContext?: InputMaybe<Scalars['JSON']['input']>;
    metadata?: InputMaybe<Scalars['JSON']['input']>;
    idempotencyKey?: InputMaybe<Scalars['String']['input']>;
    maxDuration?: InputMaybe<Scalars['Duration']['input']>;
    draft?: Scalars['Boolean']['input'];
    version?: InputMaybe<Scalars['ID']['input']>;
    phoneNumber?: InputMaybe<Scalars['String']['input']>;
    trunk?: InputMaybe<Scalars['ID']['input']>;
    callerNumber?: InputMaybe<Scalars['String']['input']>;
    ringingTimeout?: InputMaybe<Scalars['Duration']['input']>;
    scheduledFor?: InputMaybe<Scalars['DateTime']['input']>;
    allowedHours?: InputMaybe<AllowedHoursInput>;
    answering?: InputMaybe<CallAnsweringInput>;
};
export type StubInput = {
    status?: Scalars['Int']['input'];
    body?: InputMaybe<Scalars['JSON']['input']>;
};
export type SuspendMemberInput = {
    id: Scalars['ID']['input'];
};
export type SuspendTenantInput = {
    id: Scalars['ID']['input'];
    reason: Scalars['String']['input'];
};
export type SwitchTenantInput = {
    id: Scalars['ID']['input'];
};
export type TenantFilter = {
    slug?: InputMaybe<Scalars['String']['input']>;
    search?: InputMaybe<Scalars['String']['input']>;
    state?: InputMaybe<TenantState>;
};
export type TenantQuotasInput = {
    requestsPerMinute?: InputMaybe<Scalars['Int']['input']>;
    sockets?: InputMaybe<Scalars['Int']['input']>;
    subscriptions?: InputMaybe<Scalars['Int']['input']>;
    agents?: InputMaybe<Scalars['Int']['input']>;
    tools?: InputMaybe<Scalars['Int']['input']>;
    workflows?: InputMaybe<Scalars['Int']['input']>;
    storageMegabytes?: InputMaybe<Scalars['Int']['input']>;
};
export type TenantState = 'ACTIVE' | 'SUSPENDED' | 'DELETING';
export type TestCredentialInput = {
    provider: Scalars['String']['input'];
    key?: InputMaybe<Scalars['String']['input']>;
    label?: InputMaybe<Scalars['String']['input']>;
    baseUrl?: InputMaybe<Scalars['String']['input']>;
    region?: InputMaybe<Scalars['String']['input']>;
    headers?: InputMaybe<Scalars['JSON']['input']>;
};
export type TestToolInput = {
    id: Scalars['ID']['input'];
    arguments?: InputMaybe<Scalars['JSON']['input']>;
    context?: InputMaybe<Scalars['JSON']['input']>;
    live?: Scalars['Boolean']['input'];
    stubs?: Array<StubInput>;
    mcpStubs?: Array<McpStubInput>;
    digits?: Array<Scalars['String']['input']>;
};
export type TimeRange = {
    since?: InputMaybe<Scalars['DateTime']['input']>;
    until?: InputMaybe<Scalars['DateTime']['input']>;
};
export type ToolActionInput = {
    contextSet: ContextSetInput;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet: ContextPathInput;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete: ContextPathInput;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet: FlagInput;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear: FlagInput;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond: RespondInput;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff: HandoffInput;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall: ApiCallInput;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall: McpCallInput;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional: ConditionalInput;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate: ValidateInput;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform: TransformInput;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall: Scalars['Boolean']['input'];
    transferCall?: never;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall: TransferCallInput;
    sendDtmf?: never;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf: SendDtmfInput;
    collectDigits?: never;
} | {
    contextSet?: never;
    contextGet?: never;
    contextDelete?: never;
    flagSet?: never;
    flagClear?: never;
    respond?: never;
    handoff?: never;
    apiCall?: never;
    mcpCall?: never;
    conditional?: never;
    validate?: never;
    transform?: never;
    endCall?: never;
    transferCall?: never;
    sendDtmf?: never;
    collectDigits: CollectDigitsInput;
};
export type ToolBy = {
    id: Scalars['ID']['input'];
    name?: never;
} | {
    id?: never;
    name: Scalars['String']['input'];
};
export type ToolFilter = {
    search?: InputMaybe<Scalars['String']['input']>;
    agent?: InputMaybe<Scalars['String']['input']>;
    used?: InputMaybe<Scalars['Boolean']['input']>;
};
export type ToolOutcome = 'SUCCEEDED' | 'FAILED' | 'REFUSED' | 'UNKNOWN';
export type TransferCallInput = {
    number: Scalars['String']['input'];
    mode?: TransferMode;
    trunk?: InputMaybe<Scalars['String']['input']>;
    extension?: InputMaybe<Scalars['String']['input']>;
    brief?: InputMaybe<Scalars['String']['input']>;
    ringingTimeout?: InputMaybe<Scalars['Duration']['input']>;
    announcement?: InputMaybe<Scalars['String']['input']>;
};
export type TransferFailure = 'DECLINED' | 'NOT_ACCEPTED' | 'VOICEMAIL' | 'NO_ANSWER' | 'BUSY' | 'UNREACHABLE' | 'INVALID_NUMBER' | 'HUNG_UP' | 'REFUSED' | 'TRUNK_FAILED' | 'UNAVAILABLE' | 'CALLER_LEFT' | 'INTERRUPTED' | 'UNKNOWN';
export type TransferMode = 'COLD' | 'WARM';
export type TransferPhase = 'RINGING' | 'ANSWERED' | 'BRIEFING' | 'ACCEPTED' | 'BRIDGED' | 'REFERRED';
export type TransferVia = 'TOOL' | 'NODE' | 'OPERATOR';
export type TransformInput = {
    path: Scalars['String']['input'];
    operation: Operation;
    /** @deprecated Use `operand`. */
    value?: InputMaybe<Scalars['JSON']['input']>;
    operand?: InputMaybe<Scalars['JSON']['input']>;
    separator?: Scalars['String']['input'];
};
export type TrunkBy = {
    id: Scalars['ID']['input'];
    name?: never;
} | {
    id?: never;
    name: Scalars['String']['input'];
};
export type UpdateAgentInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    displayName?: InputMaybe<Scalars['String']['input']>;
    description?: InputMaybe<Scalars['String']['input']>;
    prompt?: InputMaybe<PromptInput>;
    llm?: InputMaybe<ProviderChoiceInput>;
    stt?: InputMaybe<ProviderChoiceInput>;
    tts?: InputMaybe<ProviderChoiceInput>;
    vad?: InputMaybe<ProviderChoiceInput>;
    voices?: InputMaybe<Array<VoiceInput>>;
    languages?: InputMaybe<Array<Scalars['String']['input']>>;
    defaultLanguage?: InputMaybe<Scalars['String']['input']>;
    keyterms?: InputMaybe<Array<Scalars['String']['input']>>;
    session?: InputMaybe<SessionSettingsInput>;
    spokenTexts?: InputMaybe<Array<SpokenTextTemplateInput>>;
    tools?: InputMaybe<Array<Scalars['String']['input']>>;
};
export type UpdateApiKeyInput = {
    id: Scalars['ID']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    role?: InputMaybe<Scalars['String']['input']>;
    scopes?: InputMaybe<Array<Scope>>;
    allowedAddresses?: InputMaybe<Array<Scalars['String']['input']>>;
    expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
};
export type UpdateIdentityProviderInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    label?: InputMaybe<Scalars['String']['input']>;
    clientId?: InputMaybe<Scalars['String']['input']>;
    clientSecret?: InputMaybe<Scalars['String']['input']>;
    oauthScopes?: InputMaybe<Array<Scalars['String']['input']>>;
    groupsClaim?: InputMaybe<Scalars['String']['input']>;
    roleRules?: InputMaybe<Array<RoleRuleInput>>;
    defaultRole?: InputMaybe<Scalars['String']['input']>;
    trustedDomains?: InputMaybe<Array<Scalars['String']['input']>>;
    createsUsers?: InputMaybe<Scalars['Boolean']['input']>;
    requiredClaims?: InputMaybe<Array<RequiredClaimInput>>;
    sessionDuration?: InputMaybe<Scalars['Duration']['input']>;
    isEnabled?: InputMaybe<Scalars['Boolean']['input']>;
};
export type UpdateInboundTrunkInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    allowedAddresses?: InputMaybe<Array<Scalars['String']['input']>>;
    mediaEncryption?: InputMaybe<MediaEncryption>;
    username?: InputMaybe<Scalars['String']['input']>;
    password?: InputMaybe<Scalars['String']['input']>;
    contextHeaders?: InputMaybe<Array<Scalars['String']['input']>>;
    maxDuration?: InputMaybe<Scalars['Duration']['input']>;
    isEnabled?: InputMaybe<Scalars['Boolean']['input']>;
};
export type UpdateOutboundTrunkInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    address?: InputMaybe<Scalars['String']['input']>;
    transport?: InputMaybe<SipTransport>;
    mediaEncryption?: InputMaybe<MediaEncryption>;
    username?: InputMaybe<Scalars['String']['input']>;
    password?: InputMaybe<Scalars['String']['input']>;
    region?: InputMaybe<Scalars['String']['input']>;
    allowedRegions?: InputMaybe<Array<Scalars['String']['input']>>;
    allowedPrefixes?: InputMaybe<Array<Scalars['String']['input']>>;
    allowedShortNumbers?: InputMaybe<Array<Scalars['String']['input']>>;
    limits?: InputMaybe<DialLimitsInput>;
    maxDuration?: InputMaybe<Scalars['Duration']['input']>;
    isEnabled?: InputMaybe<Scalars['Boolean']['input']>;
};
export type UpdatePhoneNumberInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    label?: InputMaybe<Scalars['String']['input']>;
    workflowId?: InputMaybe<Scalars['ID']['input']>;
    inboundTrunkId?: InputMaybe<Scalars['ID']['input']>;
    outboundTrunkId?: InputMaybe<Scalars['ID']['input']>;
    earlierCalls?: InputMaybe<Scalars['Int']['input']>;
    defaults?: InputMaybe<NumberDefaultsInput>;
    hold?: InputMaybe<HoldPolicyInput>;
    refusedAttestations?: InputMaybe<Array<Attestation>>;
};
export type UpdateProfileInput = {
    name?: InputMaybe<Scalars['String']['input']>;
};
export type UpdateRoleInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    scopes?: InputMaybe<Array<Scope>>;
    description?: InputMaybe<Scalars['String']['input']>;
};
export type UpdateSettingsInput = {
    expectedRevision: Scalars['Int']['input'];
    defaults?: InputMaybe<DefaultsInput>;
    endpoints?: InputMaybe<Array<EndpointInput>>;
    mcpServers?: InputMaybe<Array<McpServerInput>>;
    values?: InputMaybe<Scalars['JSON']['input']>;
    prices?: InputMaybe<Array<PriceInput>>;
    budgets?: InputMaybe<BudgetsInput>;
    spokenTexts?: InputMaybe<Array<SpokenTextTemplateInput>>;
    allowedHours?: InputMaybe<AllowedHoursInput>;
};
export type UpdateTenantInput = {
    id: Scalars['ID']['input'];
    slug?: InputMaybe<Scalars['String']['input']>;
    name?: InputMaybe<Scalars['String']['input']>;
    quotas?: InputMaybe<TenantQuotasInput>;
};
export type UpdateToolInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    description?: InputMaybe<Scalars['String']['input']>;
    parameters?: InputMaybe<Scalars['JSON']['input']>;
    actions?: InputMaybe<Array<ToolActionInput>>;
    onSuccess?: InputMaybe<Array<ToolActionInput>>;
    onFailure?: InputMaybe<Array<ToolActionInput>>;
    /** @deprecated Use `timeLimit`. */
    timeout?: InputMaybe<Scalars['Float']['input']>;
    timeLimit?: InputMaybe<Scalars['Duration']['input']>;
    confirm?: InputMaybe<Scalars['Boolean']['input']>;
};
export type UpdateWorkflowInput = {
    id: Scalars['ID']['input'];
    expectedRevision: Scalars['Int']['input'];
    slug?: InputMaybe<Scalars['String']['input']>;
    name?: InputMaybe<Scalars['String']['input']>;
    description?: InputMaybe<Scalars['String']['input']>;
    nodes?: InputMaybe<Array<NodeInput>>;
    connections?: InputMaybe<Array<ConnectionInput>>;
    sharedContext?: InputMaybe<Array<Scalars['String']['input']>>;
    recording?: InputMaybe<WorkflowRecordingInput>;
    answering?: InputMaybe<WorkflowAnsweringInput>;
};
export type ValidateInput = {
    rules: Array<ValidationRuleInput>;
};
export type ValidationRuleInput = {
    condition: Scalars['String']['input'];
    message: Scalars['String']['input'];
};
export type VariableInput = {
    name: Scalars['String']['input'];
    default?: Scalars['String']['input'];
};
export type Verdict = 'ACCEPTED' | 'REJECTED' | 'UNREACHABLE';
export type VoiceInput = {
    language: Scalars['String']['input'];
    voice: Scalars['String']['input'];
};
export type VoicemailAction = 'HANG_UP' | 'LEAVE_MESSAGE' | 'TALK';
export type WithdrawInvitationInput = {
    id: Scalars['ID']['input'];
};
export type WorkflowAnsweringInput = {
    enabled?: InputMaybe<Scalars['Boolean']['input']>;
    voicemail?: InputMaybe<VoicemailAction>;
    message?: InputMaybe<Scalars['String']['input']>;
    screener?: InputMaybe<ScreenerAction>;
    introduction?: InputMaybe<Scalars['String']['input']>;
    ivr?: InputMaybe<IvrAction>;
    goal?: InputMaybe<Scalars['String']['input']>;
    askModel?: InputMaybe<Scalars['Boolean']['input']>;
    silenceTimeout?: InputMaybe<Scalars['Duration']['input']>;
    toneTimeout?: InputMaybe<Scalars['Duration']['input']>;
    screeningTimeout?: InputMaybe<Scalars['Duration']['input']>;
};
export type WorkflowBy = {
    id: Scalars['ID']['input'];
    slug?: never;
} | {
    id?: never;
    slug: Scalars['String']['input'];
};
export type WorkflowFilter = {
    search?: InputMaybe<Scalars['String']['input']>;
    agent?: InputMaybe<Scalars['String']['input']>;
    published?: InputMaybe<Scalars['Boolean']['input']>;
};
export type WorkflowInput = {
    slug: Scalars['String']['input'];
    name?: InputMaybe<Scalars['String']['input']>;
    description?: InputMaybe<Scalars['String']['input']>;
    nodes?: Array<NodeInput>;
    connections?: Array<ConnectionInput>;
    sharedContext?: Array<Scalars['String']['input']>;
    recording?: InputMaybe<WorkflowRecordingInput>;
    answering?: InputMaybe<WorkflowAnsweringInput>;
};
export type WorkflowRecordingInput = {
    enabled?: InputMaybe<Scalars['Boolean']['input']>;
    announcement?: InputMaybe<Scalars['String']['input']>;
};
export type CallEventsSubscriptionVariables = Exact<{
    callId: Scalars['ID']['input'];
    after?: InputMaybe<Scalars['Cursor']['input']>;
}>;
export type CallEventsSubscription = {
    __typename?: 'Subscription';
    callEvents: {
        __typename: 'StateChanged';
        cursor: string;
        seq: number;
        at: string;
        before?: CallState | null;
        state: CallState;
        endingFor?: EndReason | null;
    } | {
        __typename: 'UserTurn';
        cursor: string;
        seq: number;
        at: string;
        turnId: string;
        text: string;
        messageId?: string | null;
        language?: string | null;
        confidence?: number | null;
        endOfTurn?: string | null;
    } | {
        __typename: 'AgentTurn';
        cursor: string;
        seq: number;
        at: string;
        turnId: string;
        node: string;
        agent: string;
        text: string;
        heardText: string;
        interrupted: boolean;
        more: boolean;
        inHistory: boolean;
    } | {
        __typename: 'NodeEntered';
        cursor: string;
        seq: number;
        at: string;
        node: string;
        agent: string;
        firstVisit: boolean;
        skipped: Array<string>;
    } | {
        __typename: 'HandedOff';
        cursor: string;
        seq: number;
        at: string;
        fromNode: string;
        toNode: string;
        via: HandoffVia;
        skipped: Array<string>;
        contextPolicy: ContextPolicy;
        lastN: number;
        summary?: string | null;
        contextPassed: Array<string>;
    } | {
        __typename: 'HandoffRefused';
        cursor: string;
        seq: number;
        at: string;
        fromNode: string;
        toNode: string;
        via: HandoffVia;
        message: string;
    } | {
        __typename: 'ToolStarted';
        cursor: string;
        seq: number;
        at: string;
        toolCallId: string;
        node: string;
        tool: string;
        arguments: unknown;
    } | {
        __typename: 'ToolFinished';
        cursor: string;
        seq: number;
        at: string;
        toolCallId: string;
        node: string;
        tool: string;
        arguments: unknown;
        outcome: ToolOutcome;
        result?: unknown | null;
        duration: string;
    } | {
        __typename: 'ContextChanged';
        cursor: string;
        seq: number;
        at: string;
        path: string;
        value?: unknown | null;
        removed: boolean;
    } | {
        __typename: 'CommandApplied';
        cursor: string;
        seq: number;
        at: string;
        commandId: string;
        command: string;
    } | {
        __typename: 'CommandRefused';
        cursor: string;
        seq: number;
        at: string;
        commandId: string;
        command: string;
        message: string;
    } | {
        __typename: 'TurnMeasured';
        cursor: string;
        seq: number;
        at: string;
        turnId: string;
        total: string;
        stt?: string | null;
        endOfTurn?: string | null;
        llmFirstToken?: string | null;
        ttsFirstByte?: string | null;
        playback?: string | null;
        firstAudio?: string | null;
        atEar?: string | null;
        line?: string | null;
        inputTokens: number;
        outputTokens: number;
        usage: Array<{
            __typename?: 'Usage';
            kind: ProviderKind;
            provider: string;
            model: string;
            inputTokens: number;
            cachedTokens: number;
            outputTokens: number;
            characters: number;
            cost?: string | null;
            audio: string;
        }>;
    } | {
        __typename: 'UsageMeasured';
        cursor: string;
        seq: number;
        at: string;
        usage: Array<{
            __typename?: 'Usage';
            kind: ProviderKind;
            provider: string;
            model: string;
            inputTokens: number;
            cachedTokens: number;
            outputTokens: number;
            characters: number;
            cost?: string | null;
            audio: string;
        }>;
    } | {
        __typename: 'ProviderFailedOver';
        cursor: string;
        seq: number;
        at: string;
        providerKind: ProviderKind;
        provider: string;
        model: string;
        available: boolean;
    } | {
        __typename: 'ErrorRaised';
        cursor: string;
        seq: number;
        at: string;
        source: string;
        message: string;
        recoverable: boolean;
    } | {
        __typename: 'WorkerReplaced';
        cursor: string;
        seq: number;
        at: string;
        epoch: number;
    } | {
        __typename: 'WorkerLeft';
        cursor: string;
        seq: number;
        at: string;
        epoch: number;
    } | {
        __typename: 'DialStarted';
        cursor: string;
        seq: number;
        at: string;
        trunk: string;
        fromNumber: string;
        toNumber: string;
        ringing: string;
    } | {
        __typename: 'DialFailed';
        cursor: string;
        seq: number;
        at: string;
        reason: EndReason;
        sipStatus?: number | null;
        after?: string | null;
    } | {
        __typename: 'CallerPresent';
        cursor: string;
        seq: number;
        at: string;
        present: boolean;
    } | {
        __typename: 'CallerSilent';
        cursor: string;
        seq: number;
        at: string;
        duration: string;
    } | {
        __typename: 'RecordingStarted';
        cursor: string;
        seq: number;
        at: string;
        announced: boolean;
    } | {
        __typename: 'CallAnswered';
        cursor: string;
        seq: number;
        at: string;
        after?: string | null;
    } | {
        __typename: 'AnsweredBy';
        cursor: string;
        seq: number;
        at: string;
        by: AnsweringParty;
        evidence: Array<AnswerEvidence>;
        quote: string;
        decidedAfter: string;
        revises?: AnsweringParty | null;
    } | {
        __typename: 'MessageLeft';
        cursor: string;
        seq: number;
        at: string;
        text: string;
        toneHeard: boolean;
        heard: string;
    } | {
        __typename: 'ScreenerAnswered';
        cursor: string;
        seq: number;
        at: string;
        round: number;
        text: string;
    } | {
        __typename: 'DtmfSent';
        cursor: string;
        seq: number;
        at: string;
        digits: string;
    } | {
        __typename: 'DtmfReceived';
        cursor: string;
        seq: number;
        at: string;
        digits: string;
    } | {
        __typename: 'DtmfRequested';
        cursor: string;
        seq: number;
        at: string;
        toolCallId: string;
        name: string;
        masked: boolean;
    } | {
        __typename: 'DtmfCollected';
        cursor: string;
        seq: number;
        at: string;
        toolCallId: string;
        name: string;
        masked: boolean;
        pressed?: string | null;
        count: number;
        attempts: number;
        complete: boolean;
    } | {
        __typename: 'TransferStarted';
        cursor: string;
        seq: number;
        at: string;
        transferId: string;
        mode: TransferMode;
        requestedBy: TransferVia;
        node: string;
        number: string;
        trunk: string;
        ringing: string;
    } | {
        __typename: 'TransferAdvanced';
        cursor: string;
        seq: number;
        at: string;
        transferId: string;
        phase: TransferPhase;
        brief?: string | null;
    } | {
        __typename: 'TransferFailed';
        cursor: string;
        seq: number;
        at: string;
        transferId: string;
        failure: TransferFailure;
        sipStatus?: number | null;
    } | {
        __typename: 'TransferIsolationLost';
        cursor: string;
        seq: number;
        at: string;
        transferId: string;
    } | {
        __typename: 'CallerQueued';
        cursor: string;
        seq: number;
        at: string;
        stage: QueueStage;
        position: number;
        waited: string;
    } | {
        __typename: 'CallerDequeued';
        cursor: string;
        seq: number;
        at: string;
        waited: string;
    } | {
        __typename: 'NewDestination';
        cursor: string;
        seq: number;
        at: string;
        region: string;
    } | {
        __typename: 'CallEnded';
        cursor: string;
        seq: number;
        at: string;
        state: CallState;
        reason: EndReason;
        blame: Blame;
        duration: string;
    } | {
        __typename: 'PartialTranscript';
        turnId: string;
        rev: number;
        speaker: Speaker;
        text: string;
    };
};
export type SendMessageMutationVariables = Exact<{
    input: SendMessageInput;
}>;
export type SendMessageMutation = {
    __typename?: 'Mutation';
    sendMessage: {
        __typename: 'SendMessageSuccess';
        turnId: string;
    } | {
        __typename: 'ValidationError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'NotFoundError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'CallHasEnded';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'IdempotencyConflict';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type EndCallMutationVariables = Exact<{
    input: EndCallInput;
}>;
export type EndCallMutation = {
    __typename?: 'Mutation';
    endCall: {
        __typename: 'EndCallSuccess';
        call: {
            __typename?: 'Call';
            id: string;
            state: CallState;
        };
    } | {
        __typename: 'NotFoundError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type LoginMutationVariables = Exact<{
    input: LoginInput;
}>;
export type LoginMutation = {
    __typename?: 'Mutation';
    login: {
        __typename: 'LoginSuccess';
        accessToken: string;
        refreshToken: string;
        expiresAt: string;
    } | {
        __typename: 'InvalidCredentials';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'ValidationError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'SecondFactorRequired';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type RefreshSessionMutationVariables = Exact<{
    input: SessionInput;
}>;
export type RefreshSessionMutation = {
    __typename?: 'Mutation';
    refreshSession: {
        __typename: 'LoginSuccess';
        accessToken: string;
        refreshToken: string;
        expiresAt: string;
    } | {
        __typename: 'InvalidCredentials';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type FinishSignInMutationVariables = Exact<{
    input: FinishSignInInput;
}>;
export type FinishSignInMutation = {
    __typename?: 'Mutation';
    finishSignIn: {
        __typename: 'FinishSignInSuccess';
        endSessionUrl?: string | null;
        session: {
            __typename?: 'LoginSuccess';
            accessToken: string;
            refreshToken: string;
            expiresAt: string;
        };
    } | {
        __typename: 'InvalidCredentials';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'SignInRefused';
        reason: RefusalReason;
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'NotFoundError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'InvalidToken';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'AlreadyMember';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'ValidationError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type SwitchTenantMutationVariables = Exact<{
    input: SwitchTenantInput;
}>;
export type SwitchTenantMutation = {
    __typename?: 'Mutation';
    switchTenant: {
        __typename: 'LoginSuccess';
        accessToken: string;
        refreshToken: string;
        expiresAt: string;
    } | {
        __typename: 'NotFoundError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'InvalidCredentials';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type LogoutMutationVariables = Exact<{
    input: SessionInput;
}>;
export type LogoutMutation = {
    __typename?: 'Mutation';
    logout: {
        __typename?: 'LogoutSuccess';
        done: boolean;
    };
};
export type SignInOptionsQueryVariables = Exact<{
    tenant: Scalars['String']['input'];
}>;
export type SignInOptionsQuery = {
    __typename?: 'Query';
    signInOptions?: Array<{
        __typename?: 'SignInOption';
        label: string;
        startUrl: string;
    }> | null;
};
export type StartVisitorCallMutationVariables = Exact<{
    input: StartCallInput;
}>;
export type StartVisitorCallMutation = {
    __typename?: 'Mutation';
    startCall: {
        __typename: 'StartCallSuccess';
        callId: string;
        join?: {
            __typename?: 'JoinTicket';
            url: string;
            token: string;
        } | null;
    } | {
        __typename: 'ValidationError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'DialRefused';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'WorkflowNotFound';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'NotFoundError';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'WorkflowNotPublished';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'NotPublishable';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'QuotaExceeded';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    } | {
        __typename: 'IdempotencyConflict';
        code: ErrorCode;
        message: string;
        path: Array<string>;
        docs: string;
    };
};
export type ConversationSubscriptionVariables = Exact<{
    callId: Scalars['ID']['input'];
    after?: InputMaybe<Scalars['Cursor']['input']>;
}>;
export type ConversationSubscription = {
    __typename?: 'Subscription';
    callEvents: {
        __typename: 'StateChanged';
        cursor: string;
    } | {
        __typename: 'UserTurn';
        cursor: string;
        turnId: string;
        text: string;
    } | {
        __typename: 'AgentTurn';
        cursor: string;
        turnId: string;
        agent: string;
        text: string;
    } | {
        __typename: 'NodeEntered';
        cursor: string;
    } | {
        __typename: 'HandedOff';
        cursor: string;
    } | {
        __typename: 'HandoffRefused';
        cursor: string;
    } | {
        __typename: 'ToolStarted';
        cursor: string;
    } | {
        __typename: 'ToolFinished';
        cursor: string;
    } | {
        __typename: 'ContextChanged';
        cursor: string;
    } | {
        __typename: 'CommandApplied';
        cursor: string;
    } | {
        __typename: 'CommandRefused';
        cursor: string;
    } | {
        __typename: 'TurnMeasured';
        cursor: string;
    } | {
        __typename: 'UsageMeasured';
        cursor: string;
    } | {
        __typename: 'ProviderFailedOver';
        cursor: string;
    } | {
        __typename: 'ErrorRaised';
        cursor: string;
    } | {
        __typename: 'WorkerReplaced';
        cursor: string;
    } | {
        __typename: 'WorkerLeft';
        cursor: string;
    } | {
        __typename: 'DialStarted';
        cursor: string;
    } | {
        __typename: 'DialFailed';
        cursor: string;
    } | {
        __typename: 'CallerPresent';
        cursor: string;
    } | {
        __typename: 'CallerSilent';
        cursor: string;
    } | {
        __typename: 'RecordingStarted';
        cursor: string;
    } | {
        __typename: 'CallAnswered';
        cursor: string;
    } | {
        __typename: 'AnsweredBy';
        cursor: string;
    } | {
        __typename: 'MessageLeft';
        cursor: string;
    } | {
        __typename: 'ScreenerAnswered';
        cursor: string;
    } | {
        __typename: 'DtmfSent';
        cursor: string;
    } | {
        __typename: 'DtmfReceived';
        cursor: string;
    } | {
        __typename: 'DtmfRequested';
        cursor: string;
    } | {
        __typename: 'DtmfCollected';
        cursor: string;
    } | {
        __typename: 'TransferStarted';
        cursor: string;
    } | {
        __typename: 'TransferAdvanced';
        cursor: string;
    } | {
        __typename: 'TransferFailed';
        cursor: string;
    } | {
        __typename: 'TransferIsolationLost';
        cursor: string;
    } | {
        __typename: 'CallerQueued';
        cursor: string;
    } | {
        __typename: 'CallerDequeued';
        cursor: string;
    } | {
        __typename: 'NewDestination';
        cursor: string;
    } | {
        __typename: 'CallEnded';
        cursor: string;
        reason: EndReason;
    } | {
        __typename: 'PartialTranscript';
        turnId: string;
        speaker: Speaker;
        text: string;
    };
};
export declare class TypedDocumentString<TResult, TVariables> extends String implements DocumentTypeDecoration<TResult, TVariables> {
    __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
    private value;
    __meta__?: Record<string, any> | undefined;
    constructor(value: string, __meta__?: Record<string, any> | undefined);
    toString(): string & DocumentTypeDecoration<TResult, TVariables>;
}
export declare const CallEventsDocument: TypedDocumentString<CallEventsSubscription, CallEventsSubscriptionVariables>;
export declare const SendMessageDocument: TypedDocumentString<SendMessageMutation, SendMessageMutationVariables>;
export declare const EndCallDocument: TypedDocumentString<EndCallMutation, EndCallMutationVariables>;
export declare const LoginDocument: TypedDocumentString<LoginMutation, LoginMutationVariables>;
export declare const RefreshSessionDocument: TypedDocumentString<RefreshSessionMutation, RefreshSessionMutationVariables>;
export declare const FinishSignInDocument: TypedDocumentString<FinishSignInMutation, FinishSignInMutationVariables>;
export declare const SwitchTenantDocument: TypedDocumentString<SwitchTenantMutation, SwitchTenantMutationVariables>;
export declare const LogoutDocument: TypedDocumentString<LogoutMutation, LogoutMutationVariables>;
export declare const SignInOptionsDocument: TypedDocumentString<SignInOptionsQuery, SignInOptionsQueryVariables>;
export declare const StartVisitorCallDocument: TypedDocumentString<StartVisitorCallMutation, StartVisitorCallMutationVariables>;
export declare const ConversationDocument: TypedDocumentString<ConversationSubscription, ConversationSubscriptionVariables>;
