export class TypedDocumentString extends String {
    __apiType;
    value;
    __meta__;
    constructor(value, __meta__) {
        super(value);
        this.value = value;
        this.__meta__ = __meta__;
    }
    toString() {
        return this.value;
    }
}
export const CallEventsDocument = new TypedDocumentString(`
    subscription CallEvents($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent {
      cursor
      seq
      at
    }
    ... on StateChanged {
      before
      state
      endingFor
    }
    ... on UserTurn {
      turnId
      text
      messageId
      language
      confidence
      endOfTurn
    }
    ... on AgentTurn {
      turnId
      node
      agent
      text
      heardText
      interrupted
      more
      inHistory
    }
    ... on NodeEntered {
      node
      agent
      firstVisit
      skipped
    }
    ... on HandedOff {
      fromNode
      toNode
      via
      skipped
      contextPolicy
      lastN
      summary
      contextPassed
    }
    ... on HandoffRefused {
      fromNode
      toNode
      via
      message
    }
    ... on ToolStarted {
      toolCallId
      node
      tool
      arguments
    }
    ... on ToolFinished {
      toolCallId
      node
      tool
      arguments
      outcome
      result
      duration
    }
    ... on ContextChanged {
      path
      value
      removed
    }
    ... on CommandApplied {
      commandId
      command
    }
    ... on CommandRefused {
      commandId
      command
      message
    }
    ... on TurnMeasured {
      turnId
      total
      stt
      endOfTurn
      llmFirstToken
      ttsFirstByte
      playback
      firstAudio
      atEar
      line
      inputTokens
      outputTokens
      usage {
        kind
        provider
        model
        inputTokens
        cachedTokens
        outputTokens
        characters
        cost
        audio
      }
    }
    ... on UsageMeasured {
      usage {
        kind
        provider
        model
        inputTokens
        cachedTokens
        outputTokens
        characters
        cost
        audio
      }
    }
    ... on ProviderFailedOver {
      providerKind
      provider
      model
      available
    }
    ... on ErrorRaised {
      source
      message
      recoverable
    }
    ... on WorkerReplaced {
      epoch
    }
    ... on WorkerLeft {
      epoch
    }
    ... on DialStarted {
      trunk
      fromNumber
      toNumber
      ringing
    }
    ... on DialFailed {
      reason
      sipStatus
      after
    }
    ... on CallerPresent {
      present
    }
    ... on CallerSilent {
      duration
    }
    ... on RecordingStarted {
      announced
    }
    ... on CallAnswered {
      after
    }
    ... on AnsweredBy {
      by
      evidence
      quote
      decidedAfter
      revises
    }
    ... on MessageLeft {
      text
      toneHeard
      heard
    }
    ... on ScreenerAnswered {
      round
      text
    }
    ... on DtmfSent {
      digits
    }
    ... on DtmfReceived {
      digits
    }
    ... on DtmfRequested {
      toolCallId
      name
      masked
    }
    ... on DtmfCollected {
      toolCallId
      name
      masked
      pressed
      count
      attempts
      complete
    }
    ... on TransferStarted {
      transferId
      mode
      requestedBy
      node
      number
      trunk
      ringing
    }
    ... on TransferAdvanced {
      transferId
      phase
      brief
    }
    ... on TransferFailed {
      transferId
      failure
      sipStatus
    }
    ... on TransferIsolationLost {
      transferId
    }
    ... on CallerQueued {
      stage
      position
      waited
    }
    ... on CallerDequeued {
      waited
    }
    ... on NewDestination {
      region
    }
    ... on CallEnded {
      state
      reason
      blame
      duration
    }
    ... on PartialTranscript {
      turnId
      rev
      speaker
      text
    }
  }
}
    `);
export const SendMessageDocument = new TypedDocumentString(`
    mutation SendMessage($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename
    ... on SendMessageSuccess {
      turnId
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const EndCallDocument = new TypedDocumentString(`
    mutation EndCall($input: EndCallInput!) {
  endCall(input: $input) {
    __typename
    ... on EndCallSuccess {
      call {
        id
        state
      }
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const LoginDocument = new TypedDocumentString(`
    mutation Login($input: LoginInput!) {
  login(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const RefreshSessionDocument = new TypedDocumentString(`
    mutation RefreshSession($input: SessionInput!) {
  refreshSession(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const FinishSignInDocument = new TypedDocumentString(`
    mutation FinishSignIn($input: FinishSignInInput!) {
  finishSignIn(input: $input) {
    __typename
    ... on FinishSignInSuccess {
      endSessionUrl
      session {
        accessToken
        refreshToken
        expiresAt
      }
    }
    ... on SignInRefused {
      reason
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const SwitchTenantDocument = new TypedDocumentString(`
    mutation SwitchTenant($input: SwitchTenantInput!) {
  switchTenant(input: $input) {
    __typename
    ... on LoginSuccess {
      accessToken
      refreshToken
      expiresAt
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const LogoutDocument = new TypedDocumentString(`
    mutation Logout($input: SessionInput!) {
  logout(input: $input) {
    done
  }
}
    `);
export const SignInOptionsDocument = new TypedDocumentString(`
    query SignInOptions($tenant: String!) {
  signInOptions(tenant: $tenant) {
    label
    startUrl
  }
}
    `);
export const StartVisitorCallDocument = new TypedDocumentString(`
    mutation StartVisitorCall($input: StartCallInput!) {
  startCall(input: $input) {
    __typename
    ... on StartCallSuccess {
      callId
      join {
        url
        token
      }
    }
    ... on Error {
      code
      message
      path
      docs
    }
  }
}
    `);
export const ConversationDocument = new TypedDocumentString(`
    subscription Conversation($callId: ID!, $after: Cursor) {
  callEvents(callId: $callId, after: $after) {
    __typename
    ... on CallEvent {
      cursor
    }
    ... on PartialTranscript {
      turnId
      speaker
      text
    }
    ... on UserTurn {
      turnId
      text
    }
    ... on AgentTurn {
      turnId
      agent
      text
    }
    ... on CallEnded {
      reason
    }
  }
}
    `);
