"""What the domain needs from the outside, and what each side promises.

Adapters live in persistence/; one frozen `Services` is wired per process."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from domain.calls.commands import Command
from domain.calls.events import CallUpdate, StoredEvent
from domain.calls.lists import CallLists
from domain.calls.model import Call, CallFilter, CallId, EndReason
from domain.calls.recordings import AudioStore, LinkSigner, Recordings
from domain.calls.rooms import RoomAccessIssuer
from domain.common.access import Tenant, TenantId, User, UserId, Viewer
from domain.common.compute import Compute
from domain.common.pacing import Pacer, TenantConcurrencyLimit
from domain.tenants.budgets import Budgets, BudgetUsage
from domain.tenants.credentials import (
    Credential,
    CredentialKind,
    DecryptedCredentials,
    KeyTestResult,
)
from domain.tenants.settings import StoredSettings, TenantSettings
from domain.tools.http import HttpClient
from domain.tools.model import Tool, ToolSpec
from domain.verification.cached import Verifier
from domain.workflows.agents import Agent, AgentSpec
from domain.workflows.model import Version, VersionId, Workflow, WorkflowId, WorkflowSpec

MAX_LONG_LOGS = 2
"""That a process reads at once for a tenant."""

MAX_COMPUTE_TRANSACTIONS = 2
"""Transactions of a tenant in a process that wait for `Compute` while they hold a connection."""

T = TypeVar("T")
S_contra = TypeVar("S_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class PageKey:
    """Where an item stands in a list ordered by time and id."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class PageSlice(Generic[T]):
    """A stretch of a list; `more` says whether it goes on behind it."""

    items: tuple[T, ...]
    has_more: bool


class Drafts(Protocol[T, S_contra]):
    """Things that people edit: agents, tools, workflows. Names are unique per tenant."""

    async def add(self, spec: S_contra) -> T:
        """`NameTaken` when the name is in use."""
        ...

    async def get(self, id: UUID) -> T | None: ...

    async def by_names(self, names: Sequence[str]) -> Sequence[T]: ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[T]: ...

    async def page(self, first: int, after: PageKey | None) -> PageSlice[T]:
        """Newest first."""
        ...

    async def sizes(self, limit: int) -> Mapping[UUID, int]:
        """How many bytes each one's spec has as text, of so many of them."""
        ...

    async def sizes_of(self, names: Sequence[str]) -> Mapping[UUID, int]:
        """The same of those with these names."""
        ...

    async def save(self, id: UUID, spec: S_contra, expected_revision: int) -> T:
        """`NotFound`, or `RevisionConflict` when somebody else edited it meanwhile."""
        ...

    async def delete(self, id: UUID) -> None: ...

    async def upsert_all(self, specs: Sequence[S_contra]) -> Sequence[T]:
        """Under its name each spec is what stands: those that differ are saved, those that are
        missing added, the others left. Answers those that were written."""
        ...


class Tools(Drafts[Tool, ToolSpec], Protocol):
    async def agents_using(self, name: str) -> Sequence[str]:
        """Names of the agents that have that tool."""
        ...

    async def users(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The same for many tools, by the name of the tool; one that nobody has is left out."""
        ...


class Workflows(Drafts[Workflow, WorkflowSpec], Protocol):
    async def lock_at_revision(self, workflow: Workflow, revision: int) -> Workflow:
        """The workflow itself, kept from changing until the commit; else `RevisionConflict`."""
        ...

    async def publish(self, id: WorkflowId, version: VersionId) -> Workflow: ...

    async def workflows_using(self, name: str) -> Sequence[str]:
        """Names of the workflows whose draft has that agent."""
        ...

    async def users(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The same for many agents, by the name of the agent; one that no draft has is left out."""
        ...


class Versions(Protocol):
    async def add(self, version: Version) -> Version:
        """Given its checksum and the next number of its workflow."""
        ...

    async def add_draft(self, version: Version) -> Version:
        """Number 0; the same content is kept once."""
        ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Version]: ...

    async def previous(self, ids: Sequence[UUID]) -> Mapping[UUID, Version]:
        """For each version the one published last before it; a first one is left out."""
        ...

    async def page(
        self, id: WorkflowId, first: int, after: PageKey | None
    ) -> PageSlice[Version]: ...


class Calls(Protocol):
    async def start(self, call: Call, key: str | None, digest: str) -> Call:
        """Store the call and its first event. A call started with the same key is answered
        instead; `IdempotencyConflict` when that one had another digest, `QuotaExceeded` when a
        budget of the tenant is used up."""
        ...

    async def budget_usage(self) -> tuple[Budgets, BudgetUsage]:
        """The budgets of the tenant, and how much of them is used."""
        ...

    async def get(self, id: CallId) -> Call | None: ...

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[Call]: ...

    async def page(
        self, filter: CallFilter, first: int, after: PageKey | None
    ) -> PageSlice[Call]: ...

    async def enqueue_command(self, command: Command) -> None:
        """Put a command into the call's inbox; `CallHasEnded` when nobody will read it."""
        ...

    async def end_unclaimed(
        self, id: CallId, reason: EndReason, command: Command | None = None
    ) -> bool:
        """End a call that no worker holds; False when one does, or it has ended. The command that
        asked for it is applied in the log."""
        ...

    async def events(self, id: CallId, after: int, limit: int) -> Sequence[StoredEvent]: ...

    async def turns(self, id: CallId, after: int, limit: int) -> Sequence[StoredEvent]:
        """The same, of nothing but what was said."""
        ...

    async def log_page(self, id: CallId, after: int, limit: int) -> Iterable[StoredEvent]:
        """The same, decoded as they are taken: for logs that are read from end to end."""
        ...


class TenantSettingsStore(Protocol):
    async def get(self) -> StoredSettings: ...

    async def save(self, spec: TenantSettings, expected_revision: int) -> StoredSettings:
        """`RevisionConflict` when they are no longer at that revision."""
        ...


class Credentials(Protocol):
    async def all(self, kind: CredentialKind) -> Sequence[Credential]:
        """By name, without their values."""
        ...

    async def set(self, kind: CredentialKind, name: str, value: str, by: str) -> Credential: ...

    async def delete(self, kind: CredentialKind, name: str) -> Credential | None: ...

    async def decrypt_all(self) -> DecryptedCredentials:
        """`VaultLocked` when the key that sealed them is not at hand."""
        ...


class KeyProber(Protocol):
    async def test_key(self, provider: str, key: str) -> KeyTestResult:
        """What the provider says of the key. Never raises."""
        ...


class UnitOfWork(Protocol):
    """One transaction for one tenant: all of it happens or nothing. What it appended to logs
    is told to watchers after the commit."""

    @property
    def agents(self) -> Drafts[Agent, AgentSpec]: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def workflows(self) -> Workflows: ...
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


class Store(Protocol):
    def transaction(self, tenant: TenantId) -> AbstractAsyncContextManager[UnitOfWork]: ...

    def serialized_per_tenant(self) -> Store:
        """The same store, with one transaction at a time for each tenant."""
        ...


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token to send with requests and a refresh token to get the next pair."""

    access: str
    refresh: str
    expires_at: datetime


class Accounts(Protocol):
    """Who people and keys are. The only port that is not bound to one tenant."""

    async def authenticate_password(self, email: str, password: str) -> User | None:
        """Takes as long for an unknown address as for a wrong password."""
        ...

    async def is_known_network(self, email: str, network: str) -> bool:
        """Whether the person with that e-mail has signed in from that network lately."""
        ...

    async def authenticate_credential(self, credential: str) -> Viewer:
        """Of an access token or an API key; `Unauthenticated` when it is no good, or no longer."""
        ...

    async def sign_in(self, user: User, network: str | None = None) -> TokenPair:
        """A new session. The network is remembered as one that the person signs in from."""
        ...

    async def refresh(self, token: str) -> TokenPair:
        """Each refresh token works once. Another use within a short grace gives the same next
        token, as long as that one is unused; any other ends the session."""
        ...

    async def sign_out(self, token: str) -> None: ...

    async def tenant(self, id: TenantId) -> Tenant: ...

    async def user(self, tenant: TenantId, id: UserId) -> User | None: ...


class CallStreams(Protocol):
    """Calls while they happen."""

    def follow(self, tenant: TenantId, id: CallId, after: str | None) -> AsyncGenerator[CallUpdate]:
        """Every durable event past the cursor, once, in order, without gaps; then live until
        the call has ended. Ephemeral events in between."""
        ...

    async def resolve_cursor(self, tenant: TenantId, id: CallId, after: str | None) -> int:
        """The number a cursor points behind; `InvalidCursor`, `CursorExpired`."""
        ...


@dataclass(frozen=True, slots=True)
class RateLimitResult:
    """What a rate limit has to say about one request."""

    allowed: bool
    remaining: int
    retry_after: float
    """Seconds."""


class RateLimiter(Protocol):
    async def spend(self, key: str, cost: int, per_minute: int) -> RateLimitResult: ...


class Clock(Protocol):
    def __call__(self) -> datetime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the API needs of the outside."""

    store: Store
    accounts: Accounts
    streams: CallStreams
    call_lists: CallLists
    limiter: RateLimiter
    http_client: HttpClient
    key_prober: KeyProber
    room_access_issuer: RoomAccessIssuer | None
    """Into the rooms of voice calls; None when there is no LiveKit."""
    audio_store: AudioStore | None
    """Of recordings; None: calls cannot be recorded."""
    signed_links: LinkSigner
    provider_keys: frozenset[str]
    """The providers that the operator has a key for."""
    clock: Clock
    ready: Callable[[], Awaitable[dict[str, bool]]]
    compute: Compute
    verifier: Verifier
    pacer: Pacer = field(default_factory=Pacer)
    """Of all that takes long, as far as it depends on how much there is."""
    long_log_limit: TenantConcurrencyLimit = field(
        default_factory=lambda: TenantConcurrencyLimit(MAX_LONG_LOGS)
    )
    """Of reading logs that are longer than a page from end to end."""
    compute_limit: TenantConcurrencyLimit = field(
        default_factory=lambda: TenantConcurrencyLimit(MAX_COMPUTE_TRANSACTIONS)
    )
    """Of transactions that wait for `compute`."""
