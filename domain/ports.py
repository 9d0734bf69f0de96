"""The ports of the domain: what it needs from its environment, and what each adapter promises.

The adapters live in persistence/; each process wires one frozen `Services`."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import EllipsisType
from typing import Protocol, TypeVar
from uuid import UUID

from domain.audit.chain import ChainedEntry
from domain.audit.model import (
    AuditEntry,
    AuditFilter,
    AuditNote,
    ChainHead,
    ExportRange,
)
from domain.audit.ports import HeadSigner
from domain.calls.commands import Command
from domain.calls.events import CallUpdate, StoredEvent
from domain.calls.filters import EVERY_CALL, CallFilter, CallOrder
from domain.calls.filters import NEWEST_FIRST as NEWEST_CALLS_FIRST
from domain.calls.inbound import RoomWebhooks
from domain.calls.model import Call, CallId, EndReason
from domain.calls.recordings import AudioStore, LinkSigner, Recordings
from domain.calls.rooms import RoomAccessIssuer
from domain.calls.statistics import CallStatistics, FirstAudio
from domain.common.access import (
    AccessChanges,
    Person,
    PersonId,
    Scope,
    SessionId,
    Tenant,
    TenantId,
    Verified,
    Viewer,
)
from domain.common.compute import Compute
from domain.common.drafts import (
    EVERY_DRAFT,
    NEWEST_FIRST,
    DraftFilter,
    DraftOrder,
    DraftState,
)
from domain.common.lists import Count, ListPage, ListUpdate, Window
from domain.common.pacing import Pacer, TenantConcurrencyLimit
from domain.sign_in.identity_providers import IdentityProvider, IdentityProviderSpec
from domain.sign_in.ports import FederatedSession, IdentityLinks, SecondFactors, SingleSignOn
from domain.telephony.dial_policy import DialUsage
from domain.telephony.inbound_routes import RouteReports
from domain.telephony.trunk_usage import TrunkUsage
from domain.telephony.trunks import (
    InboundTrunk,
    InboundTrunkSpec,
    NumberReference,
    OutboundTrunk,
    OutboundTrunkSpec,
    PhoneNumber,
    PhoneNumberSpec,
)
from domain.tenants.api_keys import ApiKey, ApiKeySpec
from domain.tenants.budgets import Budgets, BudgetUsage
from domain.tenants.credentials import (
    NO_ENDPOINT,
    Credential,
    CredentialKind,
    DecryptedCredentials,
    KeyTestResult,
    ProviderEndpoint,
)
from domain.tenants.lifecycle import (
    EVERY_TENANT,
    DeletedTenant,
    ManagedTenant,
    TenantChanges,
    TenantFilter,
)
from domain.tenants.mail import MailText
from domain.tenants.members import (
    UNKNOWN_DEVICE,
    AccountLinks,
    Device,
    Invitation,
    InvitationId,
    Member,
    Membership,
    OpenInvitation,
    Session,
)
from domain.tenants.roles import Roles
from domain.tenants.settings import StoredSettings, TenantSettings
from domain.tenants.voice_previews import SpokenAudio, VoicePreview
from domain.tools.http import HttpClient
from domain.tools.model import Tool, ToolSpec
from domain.tools.network_allow_list import AllowList
from domain.verification.cached import Verifier
from domain.workflows.agents import Agent, AgentSpec
from domain.workflows.model import Version, VersionId, Workflow, WorkflowId, WorkflowSpec

MAX_LONG_LOGS = 2
"""Long logs that a process reads at once for a tenant."""

MAX_AUDIT_EXPORTS = 2
"""Exports of its audit log that a process sends at once for a tenant."""

MAX_VOICE_PREVIEWS = 2
"""Previews of voices that a process waits for at once for a tenant."""

MAX_COMPUTE_TRANSACTIONS = 2
"""Transactions per tenant and process that wait for `Compute` while they hold a connection."""

T = TypeVar("T")
S_contra = TypeVar("S_contra", contravariant=True)


class Drafts(Protocol[T, S_contra]):
    """What people edit: agents, tools or workflows. Names are unique per tenant."""

    async def add(self, spec: S_contra) -> T:
        """Raises `NameTaken` when the name is in use."""
        ...

    async def get(self, id: UUID) -> T | None: ...

    async def by_names(self, names: Sequence[str]) -> Sequence[T]: ...

    async def count(self, filter: DraftFilter = EVERY_DRAFT) -> int: ...

    async def locked_count(self) -> int:
        """Count the drafts while no other transaction of the tenant can add one, until the commit."""
        ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[T]: ...

    async def page(
        self, window: Window, filter: DraftFilter = EVERY_DRAFT, order: DraftOrder = NEWEST_FIRST
    ) -> ListPage[T]: ...

    async def latest_edits(self, filter: DraftFilter, limit: int) -> Sequence[DraftState]:
        """Return the drafts that were edited last, without their contents."""
        ...

    async def sizes(self, limit: int) -> Mapping[UUID, int]:
        """Return the size of each spec as text, in bytes, for at most `limit` drafts."""
        ...

    async def sizes_of(self, names: Sequence[str]) -> Mapping[UUID, int]:
        """Return the sizes of the drafts with these names, in bytes."""
        ...

    async def save(self, id: UUID, spec: S_contra, expected_revision: int) -> T:
        """Raises `NotFound`, or `RevisionConflict` when someone else has edited the draft."""
        ...

    async def delete(self, id: UUID) -> None: ...

    async def upsert_all(self, specs: Sequence[S_contra]) -> Sequence[T]:
        """Make each spec the draft of its name: save those that differ, add those that are
        missing, leave the rest. Returns the drafts that were written."""
        ...


class Tools(Drafts[Tool, ToolSpec], Protocol):
    async def agents_using(self, name: str) -> Sequence[str]:
        """Return the names of the agents that have this tool."""
        ...

    async def users(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the agents of many tools, by tool name; a tool without agents is left out."""
        ...


class Workflows(Drafts[Workflow, WorkflowSpec], Protocol):
    async def lock_at_revision(self, workflow: Workflow, revision: int) -> Workflow:
        """Lock the workflow until the commit and return it. Raises `RevisionConflict` when it is
        no longer at this revision."""
        ...

    async def publish(self, id: WorkflowId, version: VersionId) -> Workflow: ...

    async def workflows_using(self, name: str) -> Sequence[str]:
        """Return the names of the workflows whose draft has this agent."""
        ...

    async def users(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the workflows of many agents, by agent name; an agent that no draft has is left
        out."""
        ...


class Trunks(Drafts[T, S_contra], Protocol):
    """Outbound or inbound trunks. Their passwords can be written, but only workers and keepers read
    them."""

    async def set_password(self, id: UUID, password: str | None) -> T:
        """Encrypt and store the password of the trunk; None removes it."""
        ...


class PhoneNumbers(Drafts[PhoneNumber, PhoneNumberSpec], Protocol):
    """The numbers of the tenant. `add` and `save` raise `NumberTaken` when the number is in use, be it
    by this tenant or by another one."""

    async def using(
        self, reference: NumberReference, ids: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[PhoneNumber]]:
        """Return the oldest hundred numbers of each of these workflows or trunks; one without
        numbers is left out."""
        ...


class IdentityProviders(Drafts[IdentityProvider, IdentityProviderSpec], Protocol):
    """The identity providers of the tenant. Deleting one ends the sessions that it vouched for."""

    async def set_client_secret(self, id: UUID, secret: str | None) -> IdentityProvider:
        """Encrypt and store the client secret; None removes it. It can be written, but not read."""
        ...

    async def move_managed_roles(self, old: str, new: str | None) -> None:
        """Record that the provider which set the roles of members has another name now, or, if `new` is
        None, that people set them again."""
        ...


class Versions(Protocol):
    async def add(self, version: Version) -> Version:
        """Store the version with its checksum and the next number of its workflow."""
        ...

    async def add_draft(self, version: Version) -> Version:
        """Store a draft as version number 0; the same content is stored once."""
        ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Version]: ...

    async def previous(self, ids: Sequence[UUID]) -> Mapping[UUID, Version]:
        """Return the version published just before each of these; a first one is left out."""
        ...

    async def page(self, id: WorkflowId, window: Window) -> ListPage[Version]:
        """Return the published versions of the workflow, newest first."""
        ...

    async def count(self, id: WorkflowId) -> int: ...


class Calls(Protocol):
    async def start(self, call: Call, key: str | None, digest: str) -> Call:
        """Store the call and its first event. If a call was started with the same key, return that
        one instead. Raises `IdempotencyConflict` when it had another digest, and `QuotaExceeded`
        when a budget of the tenant is exhausted."""
        ...

    async def started_with(self, key: str, digest: str) -> Call | None:
        """Return the call that was started with the idempotency key; None if there is none. Raises
        `IdempotencyConflict` when it had another digest."""
        ...

    async def dial_usage(self, trunk: UUID, number: str) -> DialUsage:
        """Return how often the trunk was dialled today, and the number over it in the last hour. A
        call that is over a limit only for now waits, so calls in progress are not counted."""
        ...

    async def count_scheduled(self, limit: int) -> int:
        """Return how many calls wait for their time, and `limit` for more than that. Until the
        transaction ends, other calls of the tenant wait before they are counted."""
        ...

    async def trunk_usage(self, trunks: Sequence[UUID]) -> Mapping[UUID, TrunkUsage]:
        """Return what has been dialled today over each of these outbound trunks, and whether it is
        paused; a trunk over which nothing was ever dialled is left out."""
        ...

    async def resume_trunk(self, trunk: UUID) -> None:
        """End the pause of the trunk, if it is paused, and let waiting calls be claimed."""
        ...

    async def budget_usage(self) -> tuple[Budgets, BudgetUsage]:
        """Return the budgets of the tenant, and how much of them is used."""
        ...

    async def get(self, id: CallId) -> Call | None: ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Call]: ...

    async def page(
        self, window: Window, filter: CallFilter = EVERY_CALL, order: CallOrder = NEWEST_CALLS_FIRST
    ) -> ListPage[Call]: ...

    async def count(self, filter: CallFilter) -> Count:
        """Return the number of calls: exactly if there are few, else an estimate."""
        ...

    async def statistics(self, since: datetime, until: datetime) -> CallStatistics:
        """Count the calls that were created in the period."""
        ...

    async def first_audio(self, ids: Sequence[CallId]) -> FirstAudio | None:
        """Return the latency of these calls; None if no reply of them was measured."""
        ...

    async def enqueue_command(self, command: Command) -> None:
        """Put a command into the call's inbox. Raises `CallHasEnded` when no worker will read
        it."""
        ...

    async def end_unclaimed(
        self, id: CallId, reason: EndReason, command: Command | None = None
    ) -> bool:
        """End a call that no worker holds, and log the command that asked for it as applied.
        Returns False when a worker holds the call or it has ended."""
        ...

    async def events(self, id: CallId, after: int, limit: int) -> Sequence[StoredEvent]: ...

    async def turns(self, id: CallId, after: int, limit: int) -> Sequence[StoredEvent]:
        """Return only the events that are turns of the conversation."""
        ...

    async def log_page(self, id: CallId, after: int, limit: int) -> Iterable[StoredEvent]:
        """Return events that are decoded lazily, for logs that are read from end to end."""
        ...


class TenantSettingsStore(Protocol):
    async def get(self) -> StoredSettings: ...

    async def save(self, spec: TenantSettings, expected_revision: int) -> StoredSettings:
        """Raises `RevisionConflict` when the settings are no longer at this revision."""
        ...


class Usage(Protocol):
    async def storage_bytes(self) -> int:
        """Return how much the tenant stored when that was last measured; 0 if it never was."""
        ...


class Credentials(Protocol):
    async def all(self, kind: CredentialKind) -> Sequence[Credential]:
        """Return the credentials of this kind ordered by name, without their values."""
        ...

    async def set(
        self,
        kind: CredentialKind,
        name: str,
        value: str,
        by: str,
        hosts: tuple[str, ...] | None | EllipsisType = ...,
        endpoint: ProviderEndpoint = NO_ENDPOINT,
    ) -> Credential:
        """Store a value, encrypted. `hosts` are those that a secret may be sent to, None for any;
        `...` leaves them as they are. `endpoint` is where the key of a provider is sent."""
        ...

    async def delete(self, kind: CredentialKind, name: str) -> Credential | None: ...

    async def decrypt_all(self) -> DecryptedCredentials:
        """Raises `DecryptionKeyMissing` when the key that encrypted them is not configured."""
        ...


class ApiKeys(Protocol):
    """The keys of the tenant. Only a keyed hash of each is stored."""

    async def add(
        self, spec: ApiKeySpec, granted: frozenset[Scope], created_by: str
    ) -> tuple[ApiKey, str]:
        """Store a new key, and return it with its value. `granted` is what it grants now."""
        ...

    async def lock(self, id: UUID) -> ApiKey | None:
        """Return the key, and lock it until the commit."""
        ...

    async def save(self, id: UUID, spec: ApiKeySpec, granted: frozenset[Scope]) -> ApiKey: ...

    async def replace(self, id: UUID, successor: UUID, expires_at: datetime) -> ApiKey:
        """Let the key expire then, because it was rotated into its successor."""
        ...

    async def revoke(self, id: UUID) -> ApiKey:
        """A key that was revoked before stays as it is."""
        ...

    async def count_live(self) -> int: ...

    async def delete_ended(self, before: datetime) -> None:
        """Delete the keys that were revoked or expired before then."""
        ...

    async def page(self, window: Window) -> ListPage[ApiKey]:
        """Return the keys newest first."""
        ...

    async def count(self) -> int: ...


class AuditLog(Protocol):
    """The audit log of the tenant. Changes add entries by themselves."""

    async def note(self, note: AuditNote) -> None:
        """Add an entry about what changes no row, with the same transaction."""
        ...

    async def page(self, window: Window, filter: AuditFilter) -> ListPage[AuditEntry]:
        """Return the entries newest first."""
        ...

    async def head(self) -> ChainHead: ...

    async def export_range(self, since: datetime | None, until: datetime | None) -> ExportRange:
        """Return the chained entries from the first one since then to the last one before."""
        ...

    async def chained(self, after: int, last: int, limit: int) -> Sequence[ChainedEntry]:
        """Return the entries of the chain behind `after`, up to `last`, without their columns."""
        ...

    async def link_hash(self, seq: int) -> bytes | None:
        """Return the hash of a link, or that from which a shortened chain continues."""
        ...

    async def retention_days(self) -> int | None:
        """Return for how many days the tenant keeps its entries; None: as the installation does."""
        ...

    async def set_retention_days(self, days: int) -> None: ...


class AuditNotes(Protocol):
    """Adds entries in the background, for what must not wait for them."""

    def put(self, tenant: TenantId, note: AuditNote) -> None:
        """Add an entry soon, attributed to the current request. Notes of the same actor, kind and
        target are added at most once a minute."""
        ...

    def put_failed_sign_in(self, email: str, factor: str) -> None:
        """Add an entry to the logs of the tenants of the user with this address, if there is one. It
        takes as long if there is none. `factor` is what was wrong: `password` or `code`."""
        ...

    def put_unfinished_sign_in(self, email: str, address: str) -> None:
        """Add such an entry for a sign-in that lacks the code, unless the user signs in from the address
        within the next minutes."""
        ...


class AuditSigner(HeadSigner, Protocol):
    """Signs what leaves the audit log."""

    def sign_export(self, tenant: TenantId, range: ExportRange, until: datetime) -> str:
        """Return a token that admits its holder to an export until then."""
        ...

    def verify_export(self, token: str, now: datetime) -> tuple[TenantId, ExportRange]:
        """Raises `Forbidden` when the signature is invalid or the token has expired."""
        ...


class KeyProber(Protocol):
    async def test_key(
        self, provider: str, key: str, endpoint: ProviderEndpoint = NO_ENDPOINT
    ) -> KeyTestResult:
        """Ask the provider, or the server of the endpoint, whether it accepts the key. Never
        raises."""
        ...


class SpeechSynthesizer(Protocol):
    async def synthesize(
        self, preview: VoicePreview, credentials: DecryptedCredentials
    ) -> SpokenAudio:
        """Let the provider say the text, with the tenant's credential or the operator's key, as in calls.
        Raises `ProviderFailed`, `MissingApiKey` or `ProviderMisconfigured`, all within seconds."""
        ...


class Members(Protocol):
    """The members of the tenant. What would leave it without an owner raises `LastOwner`."""

    async def get(self, id: PersonId) -> Member | None: ...

    async def lock(self, id: PersonId) -> Member | None:
        """Like `get`, but nothing else changes the member or an owner until the commit."""
        ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Member]: ...

    async def find_email(self, email: str) -> Member | None: ...

    async def page(self, window: Window) -> ListPage[Member]:
        """Return the members, oldest first."""
        ...

    async def count(self) -> int: ...

    async def set_role(self, id: PersonId, role: str) -> Member: ...

    async def suspend(self, id: PersonId) -> Member:
        """Keep the person out of the tenant, and end their sessions in it."""
        ...

    async def resume(self, id: PersonId) -> Member: ...

    async def remove(self, id: PersonId) -> None:
        """Remove the person from the tenant. A person without any tenant is deleted."""
        ...

    async def sessions(self, id: PersonId) -> Sequence[Session]:
        """Return the sessions of the member in this tenant, the last used first."""
        ...

    async def end_sessions(self, id: PersonId) -> int:
        """End the sessions of the member in this tenant; return how many there were."""
        ...


class Invitations(Protocol):
    """The open invitations of the tenant."""

    async def add(self, email: str, role: str, invited_by: str) -> tuple[Invitation, str]:
        """Return the invitation and its token. An earlier one of the address is withdrawn."""
        ...

    async def count(self) -> int: ...

    async def page(self, window: Window) -> ListPage[Invitation]:
        """Return the invitations, oldest first."""
        ...

    async def get(self, id: InvitationId) -> Invitation | None: ...

    async def withdraw(self, id: InvitationId) -> None: ...

    async def accept(
        self,
        id: InvitationId,
        person: Person,
        password_hash: str | None,
        *,
        is_new: bool,
        is_confined: bool = False,
    ) -> None:
        """Use up the invitation and make the person a member; `is_new` also creates the person. Raises
        `InvalidToken` when it is no longer open, and `AlreadyMember`.

        Unless `is_confined`, the person has shown their password, and a confined member may use it from
        now on."""
        ...


class Mailer(Protocol):
    """Queues e-mail in the transaction; a keeper sends it after the commit."""

    async def queue(self, recipient: str, message: MailText, lifetime: timedelta) -> None:
        """`lifetime` is how long the message is worth sending."""
        ...


class UnitOfWork(Protocol):
    """One transaction for one tenant: all of it happens or none of it. Watchers are notified of
    the events it appended to logs after the commit."""

    @property
    def agents(self) -> Drafts[Agent, AgentSpec]: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def workflows(self) -> Workflows: ...
    @property
    def outbound_trunks(self) -> Trunks[OutboundTrunk, OutboundTrunkSpec]: ...
    @property
    def inbound_trunks(self) -> Trunks[InboundTrunk, InboundTrunkSpec]: ...
    @property
    def phone_numbers(self) -> PhoneNumbers: ...
    @property
    def identity_links(self) -> IdentityLinks: ...
    @property
    def identity_providers(self) -> IdentityProviders: ...
    @property
    def versions(self) -> Versions: ...
    @property
    def calls(self) -> Calls: ...
    @property
    def recordings(self) -> Recordings: ...
    @property
    def settings(self) -> TenantSettingsStore: ...
    @property
    def credentials(self) -> Credentials: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def members(self) -> Members: ...
    @property
    def invitations(self) -> Invitations: ...
    @property
    def mail(self) -> Mailer: ...
    @property
    def roles(self) -> Roles: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def usage(self) -> Usage: ...


class Store(Protocol):
    def transaction(self, tenant: TenantId) -> AbstractAsyncContextManager[UnitOfWork]: ...

    def serialized_per_tenant(self) -> Store:
        """Return a view of this store that runs one transaction at a time for each tenant."""
        ...


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token to send with requests and a refresh token to get the next pair."""

    access: str
    refresh: str
    expires_at: datetime


class Accounts(Protocol):
    """People, their sessions, and credentials. The only port that is not bound to one tenant."""

    async def authenticate_password(self, email: str, password: str) -> Person | None:
        """Takes as long for an unknown address as for a wrong password."""
        ...

    async def is_known_network(self, email: str, network: str) -> bool:
        """Whether the person with this e-mail address has recently signed in from this network."""
        ...

    async def authenticate_credential(self, credential: str) -> Viewer:
        """Accept an access token or an API key. Raises `Unauthenticated` when the credential is
        invalid or has expired."""
        ...

    def listening(self, listener: Callable[[AccessChanges], None]) -> AbstractContextManager[None]:
        """Call the listener whenever credentials must be looked up again, within a second."""
        ...

    async def sign_in(
        self,
        person: PersonId,
        tenant: TenantId | None = None,
        device: Device = UNKNOWN_DEVICE,
        ends_at: datetime | None = None,
        *,
        confined: bool = False,
        federated: FederatedSession | None = None,
        verified: Verified | None = None,
    ) -> TokenPair:
        """Start a session in the tenant, or else in the one that the person used last, and remember
        the network of the device, unless an identity provider vouches for the person. It ends at
        `ends_at`, whatever is refreshed; `confined` is in `Viewer.is_confined`, and a `federated`
        session always is. Raises `Unauthenticated` when what was verified no longer holds, and for a
        person who may not use the tenant."""
        ...

    async def refresh(self, token: str, device: Device = UNKNOWN_DEVICE) -> TokenPair:
        """Each refresh token works once. A second use within a short grace period returns the same
        next token while that one is unused; any other reuse ends the session."""
        ...

    async def sign_out(self, token: str) -> None: ...

    async def tenant(self, id: TenantId) -> Tenant: ...

    async def person(self, id: PersonId) -> Person | None: ...

    async def rename(self, id: PersonId, name: str | None) -> None: ...

    async def memberships(self, id: PersonId) -> Sequence[Membership]:
        """Return the tenants that the person may use, the oldest membership first."""
        ...

    async def sessions(self, id: PersonId) -> Sequence[Session]:
        """Return the sessions of the person in all tenants, the last used first."""
        ...

    async def end_session(self, person: PersonId, id: SessionId) -> bool:
        """End a session of the person; False if there is no such session."""
        ...

    async def end_sessions(
        self, person: PersonId, keep: SessionId | None = None, tenant: TenantId | None = None
    ) -> int:
        """End the sessions of the person in the tenant, or else in all; return how many there were."""
        ...

    async def check_password(self, password: str, known: Iterable[str]) -> None:
        """Raise `InvalidInput` unless the password is good enough. `known` are words that an attacker
        knows of the person."""
        ...

    async def hash_password(self, password: str) -> str: ...

    async def set_password(
        self, person: PersonId, password_hash: str, keep: SessionId | None = None
    ) -> None:
        """Set the password and end the sessions of the person but one."""
        ...

    async def create_password_reset(
        self, person: PersonId, tenant: TenantId, created_by: str
    ) -> str | None:
        """Return the token with which the person may set a new password; it replaces earlier ones.
        None if the person is a member of another tenant, be they suspended there or not, or an operator
        of the installation."""
        ...

    async def request_password_reset(self, email: str, compose: Callable[[str], MailText]) -> None:
        """Send a message with a token for a new password to the person who has the address. Whether
        there is one is looked up later, so this takes the same time for every address."""
        ...

    async def find_password_reset(self, token: str) -> Person | None: ...

    async def use_password_reset(self, token: str, password_hash: str) -> bool:
        """Set the password, end all sessions and use up the token; False if it is no longer valid."""
        ...

    async def find_invitation(self, token: str) -> OpenInvitation | None: ...


class CallLists(Protocol):
    """Live lists: a snapshot first, then the changes. A slow consumer receives the accumulated changes
    at once."""

    def watch(self, tenant: TenantId, filter: CallFilter) -> AsyncGenerator[ListUpdate[Call]]:
        """Yield the newest calls that match the filter."""
        ...


class DraftLists(Protocol):
    """Live lists of the drafts that were edited last, as `CallLists`."""

    def agents(
        self, tenant: TenantId, filter: DraftFilter
    ) -> AsyncGenerator[ListUpdate[Agent]]: ...

    def tools(self, tenant: TenantId, filter: DraftFilter) -> AsyncGenerator[ListUpdate[Tool]]: ...

    def workflows(
        self, tenant: TenantId, filter: DraftFilter
    ) -> AsyncGenerator[ListUpdate[Workflow]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker process and the calls that it holds."""

    id: UUID
    host: str | None
    capacity: int
    voice_capacity: int | None
    started_at: datetime
    heartbeat_at: datetime
    calls: int | None
    voice_calls: int | None
    own_calls: int
    """Those of the tenant."""


@dataclass(frozen=True, slots=True)
class WorkerPool:
    """The worker processes, oldest first, and the tenant's calls that wait for one."""

    workers: Sequence[Worker]
    waiting: Count
    waiting_since: datetime | None


class Workers(Protocol):
    async def pool(self, tenant: TenantId, *, is_operator: bool) -> WorkerPool:
        """Return the workers. Only an operator of the installation sees the hosts and what they hold of all
        tenants."""
        ...


class Tenants(Protocol):
    """The tenants of the installation. `operator` is the subject that asks; every method raises
    `Forbidden` unless it is an operator. Methods that change a tenant return it, or None if there is
    no such tenant."""

    async def page(
        self, operator: str | None, window: Window, filter: TenantFilter = EVERY_TENANT
    ) -> ListPage[ManagedTenant]:
        """Return the tenants newest first."""
        ...

    async def count(self, operator: str | None, filter: TenantFilter) -> int: ...

    async def create(
        self, operator: str | None, slug: str, name: str, quotas: Mapping[str, int]
    ) -> tuple[ManagedTenant, str]:
        """Return the tenant and an API key of an owner. Raises `NameTaken` when another tenant has
        the slug."""
        ...

    async def update(
        self, operator: str | None, id: TenantId, changes: TenantChanges
    ) -> ManagedTenant | None:
        """Raises `NameTaken` when another tenant has the slug."""
        ...

    async def suspend(
        self, operator: str | None, id: TenantId, reason: str
    ) -> ManagedTenant | None: ...

    async def resume(self, operator: str | None, id: TenantId) -> ManagedTenant | None: ...

    async def delete(
        self, operator: str | None, id: TenantId, grace_days: int
    ) -> ManagedTenant | None:
        """Have the tenant deleted after these days. A second request does not change the date."""
        ...

    async def restore(self, operator: str | None, id: TenantId) -> ManagedTenant | None:
        """Keep a tenant that was to be deleted. None is also returned when the deletion has begun."""
        ...

    async def deleted_page(self, operator: str | None, window: Window) -> ListPage[DeletedTenant]:
        """Return the proofs of deletion, newest first."""
        ...

    async def count_deleted(self, operator: str | None) -> int: ...


class CallStreams(Protocol):
    """The events of calls as they happen."""

    def follow(self, tenant: TenantId, id: CallId, after: str | None) -> AsyncGenerator[CallUpdate]:
        """Yield every durable event past the cursor, once, in order, without gaps, and live until
        the call has ended; ephemeral events come in between."""
        ...

    async def resolve_cursor(self, tenant: TenantId, id: CallId, after: str | None) -> int:
        """Return the number of the event that the cursor names; 0 for None. Raises `InvalidCursor`
        or `CursorExpired`."""
        ...


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """Whether a rate limit allows one request."""

    allowed: bool
    remaining: int
    retry_after: float
    """Seconds until the request would be allowed."""


class RateLimiter(Protocol):
    """A key belongs to one group, if any. Only limits of one group can be charged together."""

    async def spend(
        self, key: str, cost: int, allowance: int, period_seconds: float = 60.0, group: str = ""
    ) -> RateLimitResult:
        """Charge a limit, whose allowance refills evenly over the period; by default, a minute."""
        ...

    async def spend_all(
        self, limits: Sequence[tuple[str, int]], cost: int, group: str
    ) -> Sequence[RateLimitResult]:
        """Charge all of these limits, each a key and its allowance per minute, or none of them if one
        does not allow it."""
        ...


class OpenCounts(Protocol):
    """Counts what is open at once in all processes, such as the sockets of a tenant. While the counts
    of other processes are not available, each process counts its own."""

    async def acquire(self, key: str, limit: int | None) -> int | None:
        """Count one more, and return the total; None if that would exceed the limit."""
        ...

    def release(self, key: str) -> None: ...

    async def total(self, key: str) -> int: ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the API needs from its environment."""

    store: Store
    accounts: Accounts
    account_links: AccountLinks
    single_sign_on: SingleSignOn
    second_factors: SecondFactors
    tenants: Tenants
    streams: CallStreams
    call_lists: CallLists
    draft_lists: DraftLists
    workers: Workers
    limiter: RateLimiter
    open_counts: OpenCounts
    http_client: HttpClient
    key_prober: KeyProber
    speech_synthesizer: SpeechSynthesizer
    route_reports: RouteReports
    room_access_issuer: RoomAccessIssuer | None
    """Grants access to the rooms of voice calls; None when LiveKit is not configured."""
    room_webhooks: RoomWebhooks | None
    """Accepts what LiveKit reports; None when LiveKit is not configured."""
    audio_store: AudioStore | None
    """Stores recordings; None when calls cannot be recorded."""
    signed_links: LinkSigner
    provider_keys: frozenset[str]
    """The providers for which the operator has configured a key."""
    max_call_seconds: int
    """The maximum duration of a call, unless its request asks for less."""
    audit_notes: AuditNotes
    audit_signer: AuditSigner
    audit_retention_days: int
    """For how many days tenants keep their audit log, unless they choose otherwise; 0 is forever."""
    grace_days: int
    """The days after which a tenant is deleted, unless the operator chooses another time."""
    outbound_allowed: AllowList
    """The private addresses that tools and credentials of tenants may reach."""
    trunks_allowed: AllowList
    """The private addresses that outbound trunks of tenants may have."""
    clock: Clock
    ready: Callable[[], Awaitable[dict[str, bool]]]
    compute: Compute
    verifier: Verifier
    pacer: Pacer = field(default_factory=Pacer)
    """Paces computations whose length depends on the amount of data."""
    long_log_limit: TenantConcurrencyLimit = field(
        default_factory=lambda: TenantConcurrencyLimit(MAX_LONG_LOGS)
    )
    """Limits how many logs longer than a page are read from end to end."""
    audit_export_limit: TenantConcurrencyLimit = field(
        default_factory=lambda: TenantConcurrencyLimit(MAX_AUDIT_EXPORTS)
    )
    """Limits the exports of audit logs, which last as long as their clients read."""
    voice_preview_limit: TenantConcurrencyLimit = field(
        default_factory=lambda: TenantConcurrencyLimit(MAX_VOICE_PREVIEWS)
    )
    """Limits the previews of voices, which last as long as their providers take."""
    compute_limit: TenantConcurrencyLimit = field(
        default_factory=lambda: TenantConcurrencyLimit(MAX_COMPUTE_TRANSACTIONS)
    )
    """Limits the transactions that wait for `compute`."""
