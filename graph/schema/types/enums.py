"""Descriptions of the domain's enums and of every value."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

import strawberry

from domain.audit.model import AuditKind
from domain.bundles.diff import ChangeKind
from domain.bundles.import_report import NoteKind, SettingsImport
from domain.calls.commands import CommandKind
from domain.calls.events import HandoffVia, QueueStage, Speaker, ToolOutcome
from domain.calls.filters import CallSort
from domain.calls.model import Blame, CallKind, CallState, Direction, EndReason
from domain.calls.recordings import RecordingState
from domain.calls.transfers import TransferFailure, TransferPhase, TransferVia
from domain.common.access import Scope
from domain.common.drafts import DraftSort
from domain.common.findings import FindingCode, Severity
from domain.common.lists import SortDirection
from domain.providers.model import OptionType, ProviderKind
from domain.sign_in.identity_providers import RefusalReason
from domain.telephony.attestation import Attestation
from domain.telephony.dial_policy import DialRefusal
from domain.telephony.inbound_routes import RouteFault
from domain.telephony.trunk_usage import PauseReason
from domain.telephony.trunks import MediaEncryption, SipTransport
from domain.tenants.budgets import Budget
from domain.tenants.credentials import Verdict
from domain.tenants.lifecycle import TenantState
from domain.tool_execution.executor import Ending
from domain.tools.actions import Method, Operation
from domain.tools.transfers import TransferMode
from domain.workflows.answering import (
    AnswerEvidence,
    AnsweringParty,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
)
from domain.workflows.interruptions import InterruptedBy
from domain.workflows.model import ContextPolicy, EntryAction
from domain.workflows.spoken_texts import SpokenText

E = TypeVar("E", bound=Enum)


def describe_enum(enum: type[E], description: str, /, **values: str) -> type[E]:
    described = strawberry.enum(enum, description=description)
    definition: Any = described.__strawberry_definition__  # type: ignore[attr-defined]
    for value in definition.values:
        value.description = values[value.name]
    return described


describe_enum(
    CallKind,
    "How the caller is connected to the agent.",
    VOIP="A voice call from a browser or an app, over WebRTC.",
    SIP="A voice call over the telephone network.",
    TEXT="A conversation by typed messages.",
)
describe_enum(
    CallSort,
    "What a list of calls is sorted by.",
    CREATED_AT="The time of creation.",
    DURATION="The duration; zero for calls in progress and for calls that were never answered.",
    COST="The estimated cost so far.",
)
describe_enum(
    DraftSort,
    "What a list of agents, tools or workflows is sorted by.",
    CREATED_AT="The time of creation.",
    UPDATED_AT="The time of the last edit.",
    NAME="The name, or the slug of a workflow.",
)
describe_enum(
    SortDirection,
    "The direction of an order.",
    ASC="The least item is first.",
    DESC="The greatest item is first.",
)
describe_enum(
    Budget,
    "A limited quantity: a budget, which the tenant sets, or a quota, which the operator sets.",
    CONCURRENT_CALLS="Number of calls in progress at the same time.",
    MINUTES_PER_MONTH="Minutes of calls, from answer to end, in a calendar month (UTC).",
    SPEND_PER_MONTH="Estimated cost of calls, in dollars, in a calendar month (UTC).",
    REQUESTS_PER_MINUTE="Requests of all keys and users together, weighted by their cost.",
    SOCKETS="Open WebSockets of all keys and users together.",
    SUBSCRIPTIONS="Subscriptions of all keys and users together that are open at the same time.",
    AGENTS="Number of agents.",
    TOOLS="Number of tools.",
    WORKFLOWS="Number of workflows.",
    STORAGE_MEGABYTES=(
        "Megabytes in the database and as recordings; measured from time to time, and estimated for "
        "the events of calls."
    ),
)
describe_enum(
    TenantState,
    "Whether a tenant can use the installation.",
    ACTIVE="The tenant can use the installation.",
    SUSPENDED="An operator has suspended the tenant.",
    DELETING="The tenant will be deleted, or its deletion is in progress.",
)
describe_enum(
    Direction,
    "Which side started the call.",
    INBOUND="The caller started the call.",
    OUTBOUND="The platform called the caller.",
)
describe_enum(
    CallState,
    "State of a call. The last five are final.",
    PENDING="Stored and waiting for a worker.",
    CONNECTING="A worker has claimed the call and is connecting.",
    DIALING="The platform is dialling the number.",
    RINGING="The callee's phone is ringing.",
    ACTIVE="Caller and agent are talking.",
    ENDING="The agent is saying goodbye.",
    COMPLETED="Ended after a conversation.",
    NO_ANSWER="Ended because the call was not answered.",
    BUSY="Ended because the line was busy or the call declined.",
    FAILED="Ended because of a failure.",
    CANCELED="Ended by a client before the conversation began.",
)
describe_enum(
    Blame,
    "The party that caused the end of a call.",
    CALLER="The caller ended the call, or did not respond.",
    AGENT="The agents ended the call, as configured.",
    API="A client of this API ended the call.",
    PROVIDER="A model or speech provider failed.",
    CARRIER="The telephone network failed.",
    PLATFORM="This installation failed or reached a limit.",
    CONFIG="A setting or a workflow caused the end.",
)
describe_enum(
    EndReason,
    "Why a call ended.",
    HUNG_UP_BY_USER="The caller hung up.",
    ENDED_BY_AGENT="A tool of the agent ended the call.",
    WORKFLOW_FINISHED="The agent of an exit node ended the call.",
    TRANSFERRED="The caller was transferred to another number.",
    ENDED_BY_API="A client ended the call with `endCall`, not on behalf of the caller.",
    NO_ANSWER="The call was not answered.",
    BUSY="The line was busy.",
    DECLINED=(
        "The callee declined the call. After a worker was lost while the phone rang, this may also "
        "be a busy line or a refusal of the carrier."
    ),
    INVALID_NUMBER="The phone number does not exist.",
    VOICEMAIL="An answering machine took the call.",
    SILENCE="The caller was silent for too long.",
    MAX_DURATION="The call reached its maximum duration.",
    NO_WORKER="No worker claimed the call in time.",
    WORKER_LOST="The worker was lost and no other one resumed the call in time.",
    ROOM_GONE="The room on the LiveKit server was closed, or could not be reached.",
    DIAL_UNKNOWN=(
        "It is unknown whether the number was dialled or what became of it; it is not dialled again."
    ),
    PROVIDER_FAILED="A provider failed, or its key is missing.",
    TRUNK_FAILED="The SIP trunk failed.",
    CANCELED="A client ended the call before a worker claimed it, or before the phone was answered.",
    BUDGET_SPENT="The budget of the call or a monthly budget of the tenant is exhausted.",
    INTERNAL="The platform failed.",
    UNREACHABLE="The phone did not ring, for instance because it is switched off.",
    CARRIER_REFUSED="The carrier refused the call, for instance to a blocked destination.",
    TRUNK_UNAUTHORIZED="The carrier did not accept the credentials of the trunk.",
    TELEPHONY_UNAVAILABLE="The telephony of this installation failed; the carrier was not the cause.",
    DIAL_NOT_ALLOWED=(
        "When the call was due, its trunk, its number, the hour or a budget did not allow it; an "
        "`ErrorRaised` event says which."
    ),
    TRUNK_LIMIT="The limits of the trunk did not allow the call in time.",
    LINE_LOST="The telephone line was lost during the conversation.",
    MESSAGE_LEFT="A mailbox answered, and the agent left its message.",
    SCREENED_OUT="A call screener answered, and the callee did not take the call.",
    MACHINE_ANSWERED="A voice menu or a fax answered, and the call was ended.",
    ABANDONED="The caller hung up while they were on hold.",
    TENANT_SUSPENDED="The operator of the installation suspended or deleted the tenant.",
)
describe_enum(
    QueueStage,
    "How a caller waits for a free worker.",
    RINGING="The caller hears ringing.",
    HOLD="The caller is on hold: they hear tones and announcements.",
)
describe_enum(
    AnsweringParty,
    "Who or what answered an outbound phone call.",
    PERSON="A person, who waits for the agent to speak.",
    VOICEMAIL="A mailbox that takes a message.",
    SCREENER="A machine that asks who is calling before it puts the call through.",
    IVR="A voice menu, or a queue in which calls wait for a person.",
    NO_MESSAGE="A mailbox that takes no message, for instance because it is full.",
    UNREACHABLE="An announcement of the network that the number cannot be reached.",
    FAX="A fax machine or a modem.",
    UNSURE="It is not known; the agent speaks as it would to a person.",
)
describe_enum(
    AnswerEvidence,
    "What a decision about who answered rests on.",
    WORDS="Words that only such a party says.",
    TONE="A tone of a machine or of the network.",
    SILENCE="No speech was heard for a while.",
    LENGTH="How long the first words were, and that silence followed them.",
    MODEL="The answer of a model, with a quote that is in the transcript.",
)
describe_enum(
    VoicemailAction,
    "What to do when a mailbox answers an outbound phone call.",
    HANG_UP="End the call once a tone confirms the mailbox; without a tone, greet and wait first.",
    LEAVE_MESSAGE="Say the message of the workflow after the tone, and end the call.",
    TALK="Let the agent talk as it would to a person.",
)
describe_enum(
    ScreenerAction,
    "What to do when a screener answers an outbound phone call.",
    ANSWER="Say the introduction of the workflow, and wait for the person.",
    TALK="Let the agent talk as it would to a person.",
    HANG_UP="End the call once a tone confirms the screener; without a tone, greet and wait first.",
)
describe_enum(
    IvrAction,
    "What to do when a voice menu answers an outbound phone call.",
    NAVIGATE="Press keys until a person answers, guided by the goal of the workflow.",
    TALK="Let the agent talk as it would to a person.",
    HANG_UP="Greet, and end the call when there is no answer.",
)
describe_enum(
    Scope,
    "A permission that a credential grants.",
    SETTINGS_READ="Read the settings of the tenant.",
    SETTINGS_WRITE="Change the settings of the tenant.",
    CREDENTIALS_READ="List provider keys and secrets, without their values.",
    CREDENTIALS_WRITE="Set, test and delete provider keys and secrets.",
    TELEPHONY_READ="Read trunks and telephone numbers.",
    TELEPHONY_WRITE="Create, change and delete trunks and telephone numbers.",
    IDENTITY_PROVIDERS_READ="Read identity providers, without their client secrets.",
    IDENTITY_PROVIDERS_WRITE="Create, change and delete identity providers.",
    INSTALLATION_MANAGE=(
        "Manage the tenants of the installation. No role includes it; only operators of the "
        "installation have it."
    ),
    AGENTS_READ="Read agents and the provider catalog.",
    AGENTS_WRITE="Create, change and delete agents.",
    TOOLS_READ="Read tools of the tenant.",
    TOOLS_WRITE="Create, change and delete tools.",
    WORKFLOWS_READ="Read and verify workflows.",
    WORKFLOWS_WRITE="Create, change, delete and publish workflows.",
    CALLS_READ="Read and follow calls.",
    WORKERS_READ="See the worker processes of the installation and their load.",
    CALLS_WRITE="Start, join and end calls, and send messages.",
    CALLS_JOIN="Start voice calls of published workflows and let a caller join them.",
    KEYS_READ="List API keys, without their values.",
    KEYS_WRITE="Create, change, rotate and revoke API keys.",
    ROLES_READ="List the roles of the tenant.",
    ROLES_WRITE="Create, change and delete roles.",
    AUDIT_READ="Read and export the audit log.",
    AUDIT_WRITE="Change for how long the audit log is kept.",
    MEMBERS_READ="List the members of the tenant and its open invitations.",
    MEMBERS_WRITE="Invite, change, suspend and remove members, and end their sessions.",
    OWNERS_WRITE="Make, change and remove owners of the tenant.",
)
describe_enum(
    AuditKind,
    "What an entry of the audit log is about.",
    CREATED="An object was created.",
    UPDATED="An object was changed.",
    DELETED="An object was deleted.",
    SIGNED_IN="A session of a user began.",
    SIGNED_OUT="A user ended their session.",
    SIGN_IN_FAILED="A sign-in as this user, or with this identity provider, failed.",
    SESSION_ENDED=(
        "A session was ended by its user elsewhere, by another user, by an identity provider, or "
        "because one of its refresh tokens was used twice."
    ),
    REFUSED="A credential lacked a scope, or was used from an address that it is not allowed from.",
    EXPORTED="Data was exported.",
    ACCESSED="A user or a key got access to a room or to a recording.",
    ENDED="A call was ended by a request.",
    TESTED="A tool or the key of a provider was tested, or a preview of a voice requested with the key.",
    SHORTENED="Entries past their retention were deleted.",
    ERASED="The content of entries was erased.",
    OTHER="A kind that this version of the API does not know.",
)
describe_enum(
    RefusalReason,
    "Why a user is not admitted although an identity provider vouches for them.",
    NOT_A_MEMBER="The account at the provider is not linked to a member of the tenant.",
    EMAIL_NOT_VERIFIED="The provider does not vouch for the e-mail address of the user.",
    NO_ROLE="None of the groups of the user has a role in the tenant.",
    TOO_MANY_GROUPS="The user is in more groups than the provider lists in its tokens.",
    CLAIM_MISMATCH="The account does not have a claim that the tenant requires.",
    PROVIDER_DISABLED="Signing in with the provider is switched off.",
    SUSPENDED="The access of the user has been deactivated.",
)
describe_enum(
    CommandKind,
    "Kind of a command to a running call.",
    SEND_TEXT="A message from the caller.",
    END="A request to end the call.",
    TRANSFER="A request to transfer the caller to another number.",
)
describe_enum(
    Speaker, "The party that speaks.", CALLER="The caller speaks.", AGENT="An agent speaks."
)
describe_enum(
    HandoffVia,
    "What requested a hand-off.",
    MODEL="The model requested the hand-off.",
    CONDITION="The condition of a connection became true.",
    TOOL="A tool requested the hand-off.",
    DEFAULT="A node that routes at once took its default connection, or its only one.",
    OPERATOR="An operator requested the hand-off.",
)
describe_enum(
    ContextPolicy,
    "How much of the conversation history the next agent receives.",
    FULL="The whole conversation so far.",
    LAST_N="The last turns only, as many as `lastN` says.",
    SUMMARY="A summary, written by the model of the next agent; the last turns if that fails.",
    VARIABLES_ONLY="Only the keys of the shared context and the caller's last turn.",
)
describe_enum(
    EntryAction,
    "What happens when a conversation enters a node.",
    CONVERSE="The agent speaks, then listens to the caller.",
    END_CALL="The agent says its greeting, or one reply of its model, and the call ends.",
    ROUTE=(
        "After its greeting, the agent hands the conversation off at once: along a connection "
        "whose condition is true, along the only connection, along the one that the model "
        "chooses, or along the default connection."
    ),
    TRANSFER_CALL=(
        "After its greeting, the caller is transferred as `transfer` says. If that fails, the "
        "conversation takes the default connection; without one, the agent talks to the caller."
    ),
)
describe_enum(
    TransferMode,
    "How a caller is transferred.",
    COLD="The carrier connects the caller with the number (SIP REFER), and the call ends here.",
    WARM=(
        "The agent calls the number while the caller waits, briefs the colleague who answers, and "
        "connects both if they take the call."
    ),
)
describe_enum(
    TransferVia,
    "What requested a transfer.",
    TOOL="A tool requested it.",
    NODE="A node of the workflow that transfers callers.",
    OPERATOR="An operator requested it with `transferCall`.",
)
describe_enum(
    TransferPhase,
    "How far a transfer is.",
    RINGING="The colleague's phone is ringing.",
    ANSWERED="The colleague's phone was answered, by a person or by a machine.",
    BRIEFING="The colleague hears what the call is about, and is asked to take it.",
    ACCEPTED="The colleague takes the call.",
    BRIDGED="Caller and colleague are connected; no agent takes part.",
    REFERRED="The carrier has transferred the caller.",
)
describe_enum(
    TransferFailure,
    "Why a caller was not transferred.",
    DECLINED="The colleague declined the call.",
    NOT_ACCEPTED="The colleague did not say in time whether they take the call.",
    VOICEMAIL="A mailbox or another machine answered.",
    NO_ANSWER="The phone was not answered in time.",
    BUSY="The line was busy.",
    UNREACHABLE="The phone did not ring, for instance because it is switched off.",
    INVALID_NUMBER="The phone number does not exist.",
    HUNG_UP="The colleague hung up before they took the call.",
    REFUSED="The carrier, or the caller's phone, does not transfer calls to this number.",
    TRUNK_FAILED="The SIP trunk failed, or rejected its credentials.",
    UNAVAILABLE="The telephony or the speech of this installation failed.",
    CALLER_LEFT="The caller hung up before the transfer was complete.",
    INTERRUPTED="The worker was lost, or the call ended, before the transfer was complete.",
    UNKNOWN="It is unknown what became of it; the number is not called again.",
)
describe_enum(
    InterruptedBy,
    "What makes an agent that speaks stop and listen.",
    SOUND=(
        "Any sound of the caller: the agent pauses, and continues if no words follow. An STT that "
        "sends no interim transcripts has this effect also with `WORDS`."
    ),
    WORDS="Words of the caller, except those to be ignored; the agent speaks on until then.",
    NOTHING="The agent always finishes what it says.",
)
describe_enum(
    SpokenText,
    "A text that agents say without their model, in the language of the call.",
    CONNECTION_DROPPED="Another worker has resumed the call, and the caller has heard a gap.",
    CANNOT_ANSWER="The language model failed, so this turn has no reply.",
    CANNOT_HEAR="Speech recognition failed; it is tried again.",
    TECHNICAL_PROBLEM="A provider keeps failing, so the call ends now.",
    STILL_THERE="The caller is silent, and the silence prompt has no text of its own.",
    ENDING_SOON="The call ends in 20 seconds, or sooner when a budget is exhausted.",
    BUDGET_EXHAUSTED="A budget is exhausted, so the text call ends now.",
)
describe_enum(
    ToolOutcome,
    "Outcome of a tool call.",
    SUCCEEDED="Every action succeeded.",
    FAILED="An action failed.",
    REFUSED="The arguments were not valid; nothing was done.",
    UNKNOWN=(
        "It is unknown what was done: the worker was lost, the tool timed out, or "
        "a server did not respond."
    ),
)
describe_enum(
    Severity,
    "Whether a finding prevents publishing.",
    ERROR="Certain to fail; prevents publishing.",
    WARNING="May be intended; does not prevent publishing.",
)
describe_enum(
    FindingCode,
    "Machine-readable, stable code of a finding. `Finding.docs` leads to an example.",
    NO_ENTRY="No node is the entry.",
    MANY_ENTRIES="More than one node is the entry.",
    NO_EXIT="No node is an exit.",
    DUPLICATE_NODE="Two nodes have the same id.",
    UNKNOWN_AGENT="A node refers to an agent that does not exist.",
    UNKNOWN_NODE="A connection or a tool refers to a node that does not exist.",
    DUPLICATE_CONNECTION="Two nodes are connected twice in the same direction.",
    SELF_CONNECTION="A node is connected to itself.",
    HANDOFF_NAME_TOO_LONG="The id of a node is too long for the name of the hand-off tool.",
    UNREACHABLE_NODE="A node cannot be reached from the entry.",
    DEAD_END="No exit can be reached from a node.",
    UNMARKED_CYCLE="Connections form a cycle, and none of them has a `mayRepeat` above 1.",
    MANY_DEFAULTS="A node has more than one default connection.",
    USELESS_DEFAULT="A node that is never skipped and does not route has a default connection.",
    SKIPPED_TO_NOWHERE="A node that can be skipped has no unambiguous connection to continue along.",
    SKIPPED_DEAD_END="No exit can be reached when nodes are skipped.",
    ROUTES_TO_NOWHERE="A node that routes at once may have no connection to take.",
    NEVER_TAKEN="A connection leaves a node at which the call ends.",
    ALWAYS_TRUE="A condition is true whatever the values are.",
    NEVER_TRUE="A condition contradicts itself and is never true.",
    SHADOWED=("A condition never takes effect, because another one always takes precedence."),
    NO_MODEL="An agent has no language model, and there is no default.",
    UNKNOWN_PROVIDER="An agent refers to a provider that does not exist.",
    UNKNOWN_MODEL="A model is missing, or not among the known ones.",
    UNKNOWN_OPTION="A provider has no such option.",
    INVALID_OPTION="An option has an invalid value.",
    USELESS_FALLBACK="A fallback repeats a provider and model that come before it.",
    NO_KEY="There is no key of a provider.",
    LANGUAGE_NOT_KNOWN="A provider does not support a language of the agent.",
    NO_VOICE="A language of the agent has no voice.",
    VOICE_WITHOUT_LANGUAGE="A voice is for a language that the agent does not speak.",
    UNKNOWN_VOICE="A voice is not among the known ones.",
    NO_SPOKEN_TEXT="An agent says a built-in text in English, for lack of one in its language.",
    SPOKEN_TEXT_WITHOUT_LANGUAGE="A spoken text is in a language that the agent does not speak.",
    USELESS_ENDPOINTING="An endpointing delay has no effect, because the STT detects turns.",
    NO_INTERIM_TRANSCRIPTS="The STT sends no words while the caller speaks, so none can be counted.",
    USELESS_INTERRUPTION="An interruption setting has no effect, because nothing interrupts.",
    UNKNOWN_TOOL="An agent refers to a tool that does not exist.",
    TOOL_NAME_CLASH="A tool has a name that is reserved for workflows.",
    INVALID_WORKFLOW="The stored workflow breaks a rule that was added later.",
    INVALID_AGENT="A stored agent breaks a rule that was added later.",
    INVALID_TOOL="A stored tool breaks a rule that was added later.",
    HANDOFF_WITHOUT_CONNECTION="A tool hands off to a node that no connection leads to.",
    UNKNOWN_ENDPOINT="A tool refers to an endpoint that is not in the settings.",
    UNKNOWN_MCP_SERVER="A tool refers to an MCP server that is not in the settings.",
    MCP_TOOL_NOT_ALLOWED="The settings do not allow a tool of an MCP server.",
    UNKNOWN_PARAMETER="A tool reads a parameter that it does not declare.",
    RESPONSE_TOO_EARLY="A tool reads a response before it has sent a request.",
    UNDEFINED_VARIABLE="A variable is read that nothing writes.",
    UNSET_VARIABLE="A variable is read before anything can have written it.",
    UNKNOWN_SETTING="A value is read that is not in the settings.",
    UNUSED_VARIABLE="A prompt declares a default for a variable that it does not read.",
    UNWRITTEN_KEY="A key is passed to the next agent that nothing writes.",
    NO_RECORDINGS=(
        "The workflow records calls, but the installation has no storage for recordings."
    ),
    NO_ANSWERING_TEXT="A text is missing that is needed when a machine answers a phone call.",
    UNUSED_ANSWERING_TEXT="A text for a machine that answers a phone call is never said.",
    TOO_COMPLEX=("The workflow is too complex to be verified completely; findings may be missing."),
    NOT_CONVERTED="An import cannot read a part of a configuration that has an effect on calls.",
    PRIVATE_ADDRESS="A tool sends requests to an address that is private or of a metadata service.",
    NO_TELEPHONE="A tool needs a telephone line, and the tenant has none.",
    NO_PHONE_NUMBER="A tool needs a telephone line, but only browsers and apps can call the workflow.",
    TRANSFER_NOT_ALLOWED="A tool or a node transfers calls to a number that no trunk may dial.",
    UNKNOWN_RESPONSE_PART="A tool reads a part that the response of its request does not have.",
    UNKNOWN_DIGITS="A tool reads digits that none of its actions collects before.",
    MASKED_DIGITS="A tool reads masked digits like others, or others like masked ones.",
    WRONG_PARAMETER_VALUE="An `enum` or `default` of a parameter holds a value that it does not accept.",
)
describe_enum(
    Verdict,
    "Result of testing the key of a provider.",
    ACCEPTED="The provider accepts the key.",
    REJECTED="The provider rejects the key.",
    UNREACHABLE="The provider could not be reached, so the key was not tested.",
)
describe_enum(
    NoteKind,
    "What an import did with an object.",
    ADDED="The object was created.",
    CHANGED="The object existed and was changed.",
    UNCHANGED="The object existed and is unchanged.",
    CONVERTED="The input used the legacy format and was converted.",
    DROPPED="The input has no equivalent and was left out.",
)
describe_enum(
    SettingsImport,
    "What an import does with the settings in the bundle.",
    OVERRIDE="They override present settings of the same name; other settings are kept.",
    ADD="Only settings that do not exist yet are added; present settings are kept.",
    IGNORE="They are not imported.",
)
describe_enum(
    ChangeKind,
    "Kind of a difference between two versions.",
    ADDED="The value was added.",
    REMOVED="The value was removed.",
    CHANGED="The value was changed.",
)
describe_enum(
    SipTransport,
    "Transport of SIP messages.",
    UDP="SIP over UDP, without encryption.",
    TCP="SIP over TCP, without encryption.",
    TLS="SIP over TLS, encrypted between LiveKit and the carrier.",
)
describe_enum(
    MediaEncryption,
    "Whether the audio of a trunk is encrypted with SRTP.",
    DISABLED="The audio is not encrypted.",
    ALLOWED="The audio is encrypted if the carrier offers it.",
    REQUIRED="Calls whose audio the carrier does not encrypt fail.",
)
describe_enum(
    DialRefusal,
    "Why a number may not be dialled.",
    INVALID_NUMBER="It is not a valid telephone number in E.164.",
    EMERGENCY_NUMBER="It is an emergency number that the trunk does not allow.",
    SHORT_NUMBER="It is a short number that the trunk does not allow.",
    PREMIUM_NUMBER="Calls to it may cost extra, and the trunk does not allow its prefix.",
    REGION_NOT_ALLOWED="The trunk does not allow its country or territory.",
    TRUNK_DISABLED="The trunk is disabled.",
    NO_TRUNK="There is no outbound trunk, or one of several has to be named.",
    NO_CALLER_ID="The trunk has no number to show to the callee.",
    CALLER_ID_NOT_OWNED="The caller id is not a number of the trunk.",
    OUTSIDE_ALLOWED_HOURS="It is not an allowed hour where the callee is, or that is unknown.",
    TOO_MANY_CONCURRENT_CALLS="The trunk has reached its limit for calls in progress.",
    TOO_MANY_CALLS_PER_DAY="The trunk has reached its limit for calls in a day.",
    TOO_MANY_CALLS_TO_NUMBER="The number was called too often within an hour.",
    TOO_MANY_MINUTES_PER_DAY="The trunk has reached its limit for minutes in a day.",
    TRUNK_PAUSED="The trunk is paused, because the carrier has refused several calls in a row.",
    PRIVATE_ADDRESS="The trunk leads to a private address that the operator does not list in "
    "TRUNK_ALLOW.",
    UNRESOLVED_ADDRESS="The address of the trunk does not resolve, or did not in time.",
)
describe_enum(
    PauseReason,
    "Why a carrier refused the calls before its trunk was paused.",
    CARRIER_REFUSED="The carrier refused the calls, for instance to blocked destinations.",
    TRUNK_UNAUTHORIZED="The carrier did not accept the credentials of the trunk.",
)
describe_enum(
    RouteFault,
    "Why LiveKit does not accept the calls to a telephone number.",
    REFUSED="LiveKit refuses the trunk of the number, for instance because another trunk has it.",
    LIVEKIT_UNAVAILABLE="LiveKit's SIP service does not respond to the keepers.",
    NO_KEEPER="No keeper has compared LiveKit with the numbers within the last 30 seconds.",
)
describe_enum(
    Attestation,
    "What a carrier says about the number that a caller shows (STIR/SHAKEN); never who speaks.",
    FULL="Level A: the carrier of the caller knows them and that the number is theirs.",
    PARTIAL="Level B: the carrier of the caller knows them, and not whether the number is theirs.",
    GATEWAY="Level C, or no level: a carrier has signed where the call entered its network.",
    NONE="No carrier has signed the number, or yours does not report it.",
    FAILED="The signature of the number is not valid, so the number may be forged.",
)
describe_enum(
    ProviderKind,
    "Role of a provider in a call.",
    STT="Speech-to-text: transcribes the caller.",
    LLM="Language model: generates the replies.",
    TTS="Text-to-speech: speaks the replies.",
    VAD="Voice activity detection: detects when the caller speaks.",
    TRUNK="SIP trunk: carries telephone calls. It is in price lists and usage, not in the catalog.",
)
describe_enum(
    OptionType,
    "Type of the value of a provider option.",
    NUMBER="A finite number.",
    INTEGER="A whole number.",
    BOOLEAN="True or false.",
    TEXT="A string of at most 2,000 characters.",
    LIST="A list of JSON values.",
)
describe_enum(
    Method,
    "HTTP method of a request.",
    GET="Read a resource.",
    POST="Create a resource or start an action; retried only with `retryUnsafe`.",
    PUT="Replace a resource.",
    PATCH="Change a part of a resource; retried only with `retryUnsafe`.",
    DELETE="Delete a resource.",
)
describe_enum(
    Operation,
    "Operation of a `transform` action. Every operation accepts every value and never fails.",
    APPEND="The list at `path`, with the value appended.",
    REMOVE="The list at `path`, without items equal to the value.",
    MERGE="The object at `path`, with the keys of the value merged into it.",
    INCREMENT="The number at `path`, increased by the value; by 1 without a value.",
    COUNT="The number of items, keys or characters of the value.",
    FIRST="The first item of the value.",
    LAST="The last item of the value.",
    SUM="The sum of the items of the value.",
    SORT="The items of the value in ascending order.",
    UNIQUE="The items of the value without duplicates.",
    JOIN="The items of the value, joined into one string.",
    SPLIT="The string, split into a list.",
)
describe_enum(
    Ending,
    "Outcome of a test run of a tool.",
    SUCCEEDED="Every action succeeded.",
    FAILED="An action failed; the effects of the ones before it remain.",
    REFUSED="The arguments were not valid; nothing was done.",
    UNKNOWN=("It is unknown what was done: the tool timed out, or a server did not respond."),
)
describe_enum(
    RecordingState,
    "State of a recording.",
    RECORDING="The call is in progress and is being recorded.",
    PROCESSING="The call has ended, and its segments are being joined.",
    READY="The recording can be played.",
    FAILED="The segments could not be joined; `error` says why.",
    DELETED="The recording was deleted permanently.",
)
