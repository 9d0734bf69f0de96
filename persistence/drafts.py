"""The repositories of agents, tools and workflows, which are all specs with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import TenantId
from domain.common.drafts import (
    EVERY_DRAFT,
    NEWEST_FIRST,
    DraftFilter,
    DraftOrder,
    DraftSort,
    DraftState,
)
from domain.common.errors import DomainError, NameTaken, NotFound, RevisionConflict
from domain.common.lists import ListPage, Window
from domain.tools.model import Tool, ToolId, ToolSpec
from domain.workflows.agents import Agent, AgentId, AgentSpec
from domain.workflows.model import VersionId, Workflow, WorkflowId, WorkflowSpec
from persistence import notifications, tables
from persistence.list_pages import ListQuery, fetch_page
from persistence.sqlalchemy_engine import fetch_compiled

T = TypeVar("T")
S = TypeVar("S")

_references = tables.draft_reference

USED_KINDS = {"agent": "tool", "workflow": "agent"}
"""What each noun refers to."""
USERS = {"tool": tables.agent, "agent": tables.workflow}
"""What refers to each noun."""
LOCK_COUNT = text("select pg_advisory_xact_lock(hashtextextended(:scope, 1))")


class SqlDrafts(Generic[T, S]):
    def __init__(
        self,
        connection: AsyncConnection,
        tenant: TenantId,
        *,
        table: Table,
        spec_adapter: TypeAdapter[S],
        entity: Callable[[Row[Any], S], T],
        noun: str,
        key: str = "name",
        references: Sequence[str] = (),
        pending: list[notifications.Notification] | None = None,
    ) -> None:
        """`key` names a draft within its tenant. It and the `references` are fields of the spec
        that the table has as columns, too. `pending` receives a notification for each change."""
        self._db = connection
        self._tenant = tenant
        self._table = table
        # A spec is read as text, which pydantic parses and validates in one pass.
        self._selected_columns = [
            cast(c, Text).label(c.name) if c.name == "spec" else c for c in self._table.c
        ]
        self._spec_adapter = spec_adapter
        self._entity = entity
        self._noun = noun
        self._key = key
        self._references = references
        self._pending = pending

    async def add(self, spec: S) -> T:
        values = {
            "id": uuid4(),
            "tenant_id": self._tenant,
            "revision": 1,
            **self._spec_values(spec),
        }
        return await self._write(insert(self._table).values(values), spec)

    async def get(self, id: UUID) -> T | None:
        return next(iter(await self.by_ids([id])), None)

    async def by_ids(self, ids: Sequence[UUID]) -> Sequence[T]:
        return await self._select(self._table.c.id.in_(ids)) if ids else ()

    async def by_names(self, names: Sequence[str]) -> Sequence[T]:
        return await self._select(self._table.c[self._key].in_(set(names))) if names else ()

    async def count(self, filter: DraftFilter = EVERY_DRAFT) -> int:
        query = select(func.count()).where(
            self._table.c.tenant_id == self._tenant, *self._conditions(filter)
        )
        return await self._db.scalar(query.select_from(self._table)) or 0

    async def locked_count(self) -> int:
        scope = f"{self._table.name} {self._tenant}"
        await self._db.execute(LOCK_COUNT, {"scope": scope})
        return await self.count()

    async def page(
        self, window: Window, filter: DraftFilter = EVERY_DRAFT, order: DraftOrder = NEWEST_FIRST
    ) -> ListPage[T]:
        rows = self._tenant_select().where(*self._conditions(filter))
        value, id = self._sort_column(order), self._table.c.id
        page = await fetch_page(self._db, ListQuery(rows, value, id, order.is_descending), window)
        return page.with_items([self._to_entity(row) for row in page.items])

    async def latest_edits(self, filter: DraftFilter, limit: int) -> Sequence[DraftState]:
        c = self._table.c
        rows = await self._db.execute(
            select(c.id, c.revision, c.updated_at)
            .where(c.tenant_id == self._tenant, *self._conditions(filter))
            .order_by(c.updated_at.desc(), c.id.desc())
            .limit(limit)
        )
        return [DraftState(row.id, row.revision, row.updated_at) for row in rows]

    def _sort_column(self, order: DraftOrder) -> Any:
        c = self._table.c
        return {
            DraftSort.CREATED_AT: c.created_at,
            DraftSort.UPDATED_AT: c.updated_at,
            DraftSort.NAME: c[self._key],
        }[order.sort]

    def _conditions(self, filter: DraftFilter) -> Iterable[ColumnElement[bool]]:
        """The tables are small and read whole, so only the references need an index."""
        c, r = self._table.c, _references.c
        name = c[self._key]
        if filter.search:
            part = func.lower(filter.search)
            shown = func.coalesce(c.spec["display_name"].astext, "")
            yield or_(*(func.strpos(func.lower(text), part) > 0 for text in (name, shown)))
        references = select(r.user_id).where(r.tenant_id == self._tenant)
        if filter.uses is not None:
            kind = USED_KINDS[self._noun]
            yield c.id.in_(references.where(r.used_kind == kind, r.used_name == filter.uses))
        used = select(r.used_name).where(r.tenant_id == self._tenant, r.used_kind == self._noun)
        if filter.used_by is not None:
            users = USERS[self._noun].c
            user = select(users.id).where(
                users.tenant_id == self._tenant, users.name == filter.used_by
            )
            yield name.in_(used.where(r.user_id == user.scalar_subquery()))
        if filter.is_used is not None:
            yield name.in_(used) if filter.is_used else name.not_in(used)
        if filter.is_published is not None:
            is_published: ColumnElement[bool] = c.published.is_not(None)
            yield is_published if filter.is_published else ~is_published

    async def sizes(self, limit: int) -> Mapping[UUID, int]:
        return await self._fetch_sizes(self._size_query().limit(limit))

    async def sizes_of(self, names: Sequence[str]) -> Mapping[UUID, int]:
        condition = self._table.c[self._key].in_(set(names))
        return await self._fetch_sizes(self._size_query().where(condition)) if names else {}

    async def save(self, id: UUID, spec: S, expected_revision: int) -> T:
        c = self._table.c
        change = (
            update(self._table)
            .where(c.tenant_id == self._tenant, c.id == id, c.revision == expected_revision)
            .values(revision=c.revision + 1, updated_at=func.now(), **self._spec_values(spec))
        )
        saved = await self._write_or_none(change, spec)
        if saved is None:
            raise await self._conflict(id, expected_revision)
        return saved

    async def delete(self, id: UUID) -> None:
        c = self._table.c
        await self._db.execute(delete(self._table).where(c.tenant_id == self._tenant, c.id == id))
        self._note_change()

    async def upsert_all(self, specs: Sequence[S]) -> Sequence[T]:
        by_name = {self._spec_values(spec)[self._key]: spec for spec in specs}
        key = self._table.c[self._key]
        # The rows are locked against concurrent edits, ordered by name to prevent deadlocks.
        locked = await self._db.execute(
            self._tenant_select().where(key.in_(by_name)).order_by(key).with_for_update()
        )
        existing = {row._mapping[self._key]: row for row in locked}
        written = []
        for name in sorted(by_name):
            row, spec = existing.get(name), by_name[name]
            if row is None:
                written.append(await self.add(spec))
            elif self._spec_adapter.validate_json(row.spec) != spec:
                written.append(await self.save(row.id, spec, row.revision))
        return written

    def _tenant_select(self) -> Any:
        return select(*self._selected_columns).where(self._table.c.tenant_id == self._tenant)

    def _size_query(self) -> Any:
        c = self._table.c
        size = func.octet_length(func.cast(c.spec, Text)).label("size")
        return select(c.id, size).where(c.tenant_id == self._tenant)

    async def _fetch_sizes(self, query: Any) -> Mapping[UUID, int]:
        return {row.id: row.size for row in await self._db.execute(query)}

    async def _select(self, condition: Any) -> Sequence[T]:
        rows = await self._db.execute(self._tenant_select().where(condition))
        return [self._to_entity(row) for row in rows]

    def _to_entity(self, row: Row[Any]) -> T:
        return self._entity(row, self._spec_adapter.validate_json(row.spec))

    def _spec_values(self, spec: S) -> dict[str, Any]:
        plain = self._spec_adapter.dump_python(spec, mode="json")
        columns = {name: getattr(spec, name) for name in (self._key, *self._references)}
        return {**columns, "spec": plain}

    async def _write(self, statement: Any, spec: S) -> T:
        written = await self._write_or_none(statement, spec)
        assert written is not None
        return written

    async def _write_or_none(self, statement: Any, spec: S) -> T | None:
        try:
            row = (
                await self._db.execute(statement.returning(*self._selected_columns))
            ).one_or_none()
        except IntegrityError as error:
            conflict = self._translate(error, spec)
            if conflict is None:
                raise
            raise conflict from None
        self._note_change()
        return None if row is None else self._to_entity(row)

    def _note_change(self) -> None:
        notification = notifications.drafts_changed(self._tenant, self._noun)
        if self._pending is not None and notification not in self._pending:
            self._pending.append(notification)

    def _translate(self, error: IntegrityError, spec: S) -> DomainError | None:
        """The error of the domain for a violated constraint; None for an unexpected one."""
        if "_tenant_id_name" not in str(error.orig):
            return None
        name = self._spec_values(spec)["name"]
        field = "slug" if self._noun == "workflow" else "name"
        return NameTaken(f"Another {self._noun} is named {name}; choose another {field}.", (field,))

    async def _conflict(self, id: UUID, expected: int) -> NotFound | RevisionConflict:
        c = self._table.c
        current = await self._db.scalar(
            select(c.revision).where(c.tenant_id == self._tenant, c.id == id)
        )
        if current is None:
            return NotFound(f"There is no such {self._noun}.", ("id",))
        return RevisionConflict(
            f"The {self._noun} is at revision {current}, not {expected}: it has been edited in the "
            "meantime. Read it again and repeat the change.",
            ("expectedRevision",),
            current=current,
        )


class SqlTools(SqlDrafts[Tool, ToolSpec]):
    async def agents_using(self, name: str) -> Sequence[str]:
        return (await self.users([name])).get(name, ())

    async def users(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return await _fetch_users(self._db, self._tenant, "tool", names)


class SqlWorkflows(SqlDrafts[Workflow, WorkflowSpec]):
    async def lock_at_revision(self, workflow: Workflow, revision: int) -> Workflow:
        c = self._table.c
        locked = await self._db.scalar(
            select(c.revision)
            .where(c.tenant_id == self._tenant, c.id == workflow.id, c.revision == revision)
            .with_for_update()
        )
        if locked is None:
            raise await self._conflict(workflow.id, revision)
        return workflow

    async def publish(self, id: WorkflowId, version: VersionId) -> Workflow:
        c = self._table.c
        row = await self._db.execute(
            update(self._table)
            .where(c.tenant_id == self._tenant, c.id == id)
            .values(published=version, updated_at=func.now())
            .returning(*self._selected_columns)
        )
        self._note_change()
        return self._to_entity(row.one())

    async def workflows_using(self, name: str) -> Sequence[str]:
        return (await self.users([name])).get(name, ())

    async def users(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return await _fetch_users(self._db, self._tenant, "agent", names)


async def _fetch_users(
    connection: AsyncConnection, tenant: TenantId, kind: str, names: Sequence[str]
) -> Mapping[str, Sequence[str]]:
    """The names of the drafts that use these tools or agents."""
    values = {"tenant": tenant, "kind": kind, "names": list(names)}
    return _group_users(await fetch_compiled(connection, usage_query(), values))


@lru_cache(1)
def usage_query() -> Select[Any]:
    c = _references.c
    return (
        select(c.used_name, c.user_name)
        .where(
            c.tenant_id == bindparam("tenant"),
            c.used_kind == bindparam("kind"),
            c.used_name == func.any(bindparam("names", type_=ARRAY(Text))),
        )
        .order_by(c.user_name)
    )


def _group_users(rows: Iterable[Any]) -> Mapping[str, Sequence[str]]:
    users: dict[str, list[str]] = {}
    for used, user in rows:
        users.setdefault(used, []).append(user)
    return users


def _agent(row: Row[Any], spec: AgentSpec) -> Agent:
    return Agent(**common_fields(row), id=AgentId(row.id), spec=spec)


def _tool(row: Row[Any], spec: ToolSpec) -> Tool:
    return Tool(**common_fields(row), id=ToolId(row.id), spec=spec)


def _workflow(row: Row[Any], spec: WorkflowSpec) -> Workflow:
    published = VersionId(row.published) if row.published else None
    return Workflow(**common_fields(row), id=WorkflowId(row.id), spec=spec, published=published)


def common_fields(row: Row[Any]) -> dict[str, Any]:
    """The fields that all drafts have."""
    return {
        "tenant_id": row.tenant_id,
        "revision": row.revision,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


agents = partial(
    SqlDrafts[Agent, AgentSpec],
    table=tables.agent,
    spec_adapter=TypeAdapter(AgentSpec),
    entity=_agent,
    noun="agent",
)
tools = partial(
    SqlTools, table=tables.tool, spec_adapter=TypeAdapter(ToolSpec), entity=_tool, noun="tool"
)
workflows = partial(
    SqlWorkflows,
    table=tables.workflow,
    spec_adapter=TypeAdapter(WorkflowSpec),
    entity=_workflow,
    noun="workflow",
)
