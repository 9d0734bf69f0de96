"""Transactions of a tenant, and the notifications that are published after the commit."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cached_property
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.common.access import TenantId
from domain.common.pacing import TenantConcurrencyLimit
from domain.ports import UnitOfWork
from domain.telephony.trunks import (
    InboundTrunk,
    InboundTrunkSpec,
    OutboundTrunk,
    OutboundTrunkSpec,
)
from persistence.api_keys import SqlApiKeys
from persistence.audit import SqlAuditLog, current_origin_setting
from persistence.calls import SqlCalls
from persistence.connection_pool import ACQUIRE_TIMEOUT_SECONDS
from persistence.credentials import SqlCredentials
from persistence.db_errors import database_unavailable, is_outage
from persistence.drafts import agents, tools, workflows
from persistence.federated_users import SqlIdentityLinks
from persistence.identity_providers import SqlIdentityProviders
from persistence.mail import SqlMailer
from persistence.members import SqlInvitations, SqlMembers
from persistence.notifications import Notification
from persistence.pubsub import Channels
from persistence.recordings import SqlRecordings
from persistence.roles import SqlRoles
from persistence.settings import SqlTenantSettings
from persistence.sqlalchemy_engine import driver_connection
from persistence.telephony import SqlPhoneNumbers, SqlTrunks, inbound_trunks, outbound_trunks
from persistence.usage import SqlUsage
from persistence.vault import Vault
from persistence.versions import SqlVersions


class SqlUnitOfWork:
    def __init__(self, connection: AsyncConnection, tenant: TenantId, vault: Vault) -> None:
        self._connection = connection
        self._tenant = tenant
        self._vault = vault
        self.notifications: list[Notification] = []
        self.agents = agents(connection, tenant, pending=self.notifications)
        self.tools = tools(connection, tenant, pending=self.notifications)
        self.workflows = workflows(connection, tenant, pending=self.notifications)
        self.versions = SqlVersions(connection, tenant)
        self.calls = SqlCalls(connection, tenant, self.notifications)
        self.recordings = SqlRecordings(connection, tenant)
        self.settings = SqlTenantSettings(connection, tenant)
        self.credentials = SqlCredentials(connection, tenant, vault)

    # Few transactions need these, so they are created on first use.

    @cached_property
    def members(self) -> SqlMembers:
        return SqlMembers(self._connection, self._tenant, self.notifications)

    @cached_property
    def invitations(self) -> SqlInvitations:
        return SqlInvitations(self._connection, self._tenant)

    @cached_property
    def mail(self) -> SqlMailer:
        return SqlMailer(self._connection, self._vault)

    @cached_property
    def outbound_trunks(self) -> SqlTrunks[OutboundTrunk, OutboundTrunkSpec]:
        return outbound_trunks(self._connection, self._tenant, self._vault)

    @cached_property
    def inbound_trunks(self) -> SqlTrunks[InboundTrunk, InboundTrunkSpec]:
        return inbound_trunks(self._connection, self._tenant, self._vault)

    @cached_property
    def roles(self) -> SqlRoles:
        return SqlRoles(self._connection, self._tenant, self.notifications)

    @cached_property
    def api_keys(self) -> SqlApiKeys:
        return SqlApiKeys(self._connection, self._tenant, self._vault.ring, self.notifications)

    @cached_property
    def identity_providers(self) -> SqlIdentityProviders:
        return SqlIdentityProviders(self._connection, self._tenant, self._vault, self.notifications)

    @cached_property
    def identity_links(self) -> SqlIdentityLinks:
        return SqlIdentityLinks(self._connection, self._tenant)

    @cached_property
    def audit(self) -> SqlAuditLog:
        return SqlAuditLog(self._connection, self._tenant)

    @cached_property
    def usage(self) -> SqlUsage:
        return SqlUsage(self._connection, self._tenant)

    @cached_property
    def phone_numbers(self) -> SqlPhoneNumbers:
        return SqlPhoneNumbers(self._connection, self._tenant)


class SqlStore:
    """Runs at most `max_transactions` of one tenant at once, so that no tenant takes all
    connections. Further transactions wait, with the same timeout as for a connection."""

    def __init__(
        self, engine: AsyncEngine, channels: Channels[object], vault: Vault, max_transactions: int
    ) -> None:
        # `_transaction` begins and ends the transactions, in one round trip each.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._channels = channels
        self._vault = vault
        self._tenant_limit = TenantConcurrencyLimit(max_transactions)

    def serialized_per_tenant(self) -> SqlStore:
        return SqlStore(self._engine, self._channels, self._vault, max_transactions=1)

    @asynccontextmanager
    async def transaction(self, tenant: TenantId) -> AsyncGenerator[UnitOfWork]:
        try:
            async with (
                self._tenant_limit.acquire(ACQUIRE_TIMEOUT_SECONDS, tenant),
                self._engine.connect() as connection,
                _transaction(connection, tenant),
            ):
                unit_of_work = SqlUnitOfWork(connection, tenant, self._vault)
                yield unit_of_work
        except Exception as error:
            if is_outage(error):
                raise database_unavailable() from error
            raise
        # Commit first, then notify.
        await self._channels.publish_many(unit_of_work.notifications)


@asynccontextmanager
async def _transaction(connection: AsyncConnection, tenant: TenantId) -> AsyncGenerator[None]:
    """A transaction of the tenant. Every request has one, so it goes straight to the driver."""
    raw = await driver_connection(connection)
    try:
        await raw.execute(_begin(tenant, current_origin_setting()))
        yield
        await raw.execute("commit")
    except Exception as error:
        if is_outage(error):
            await connection.invalidate()
        else:
            await raw.execute("rollback")
        raise
    except BaseException:
        # Cancelled in the middle of a query, so the state of the connection is unknown.
        await connection.invalidate()
        raise


def _begin(tenant: TenantId, origin: str) -> str:
    # Simple queries take no parameters; `UUID` and `hex` ensure that nothing else is interpolated.
    begin = f"begin; select set_config('app.tenant', '{UUID(str(tenant))}', true)"
    if not origin:
        return begin
    value = f"convert_from(decode('{origin.encode().hex()}', 'hex'), 'UTF8')"
    return f"{begin}, set_config('app.origin', {value}, true)"
