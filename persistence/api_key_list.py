"""`python -m persistence.admin keys`: lists the API keys of all tenants, each with the entry of
SECRET_KEY that it was created under; with `--old`, only what is not under the first entry yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Row, text

from domain.common.command_line import table
from domain.common.settings import Settings
from persistence.database import DbRole
from persistence.key_ring import KeyRing
from persistence.sqlalchemy_engine import create_engine

COLUMNS = ("TENANT", "NAME", "KEY", "CREATED", "BY", "LAST USED", "SECRET_KEY", "STATE")
SELECT_KEYS = text(
    "select k.*, t.slug as tenant from api_key k join tenant t on t.id = k.tenant_id "
    "order by t.slug, k.created_at, k.id"
)

SELECT_OLD_DATA_KEYS = text(
    "select t.slug from data_key d join tenant t on t.id = d.tenant_id where d.key_id <> :newest "
    "order by t.slug"
)
COUNT_OLD_FACTORS = text("select count(*) from totp where key_id <> :newest")

Rows = Sequence[Row[tuple[object, ...]]]


async def list_keys(settings: Settings) -> str:
    """Render a table of all API keys, and report which of them depend on the last entry of
    SECRET_KEY."""
    ring = KeyRing.from_secret_key(settings.secret_key)
    rows, _, _ = await _read(settings, ring)
    return "\n".join([*_table(rows, ring), "", *_rotation_report(rows, ring)])


async def list_old_keys(settings: Settings) -> str:
    """Render a table of the live API keys that are not under the first entry of SECRET_KEY, name the
    tenants whose data keys are not, and count the second factors that are not."""
    ring = KeyRing.from_secret_key(settings.secret_key)
    rows, tenants, factors = await _read(settings, ring)
    newest = ring.key_ids[0]
    old = [row for row in rows if _state(row) == "live" and row.key_id != newest]
    lines = [
        f"Data keys that keepers will wrap again: {', '.join(tenants) or 'none'}.",
        f"Second factors that will be encrypted again with their next code: {factors}.",
    ]
    if not old:
        return "\n".join([f"All live API keys are under the first entry ({newest}).", *lines])
    lines.append(
        "A key moves to the first entry when it is used. Rotate a key that is not used, or create it "
        "again, before you remove the entry that it is under."
    )
    return "\n".join([*_table(old, ring), "", *lines])


async def _read(settings: Settings, ring: KeyRing) -> tuple[Rows, list[str], int]:
    """All API keys, the tenants whose data keys are not under the first entry of SECRET_KEY, and the
    number of second factors that are not."""
    engine = create_engine(settings.database_url, DbRole.SERVICE)
    try:
        async with engine.connect() as db:
            rows = (await db.execute(SELECT_KEYS)).all()
            newest = {"newest": ring.key_ids[0]}
            tenants = list(await db.scalars(SELECT_OLD_DATA_KEYS, newest))
            return rows, tenants, await db.scalar(COUNT_OLD_FACTORS, newest) or 0
    finally:
        await engine.dispose()


def _table(rows: Rows, ring: KeyRing) -> list[str]:
    return table([COLUMNS, *(_table_row(row, ring) for row in rows)])


def _table_row(row: Row[tuple[object, ...]], ring: KeyRing) -> tuple[str, ...]:
    return (
        row.tenant,
        row.name,
        f"{row.prefix}…",
        f"{row.created_at:%Y-%m-%d}",
        row.created_by or "unknown",
        f"{row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never",
        _secret_entry(row.key_id, ring),
        _state(row),
    )


def _secret_entry(key_id: str | None, ring: KeyRing) -> str:
    if key_id is None:
        return "unknown"
    if key_id not in ring.key_ids:
        return f"removed ({key_id})"
    return f"entry {ring.key_ids.index(key_id) + 1} of {len(ring.key_ids)} ({key_id})"


def _state(row: Row[tuple[object, ...]]) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at and row.expires_at <= datetime.now(UTC) else "live"


def _rotation_report(rows: Rows, ring: KeyRing) -> list[str]:
    """Report which live keys would stop working if the last entry of SECRET_KEY were removed."""
    live = [row for row in rows if _state(row) == "live"]
    last = ring.key_ids[-1]
    dependent = [row for row in live if row.key_id == last]
    unknown = [row for row in live if row.key_id is None]
    dead = [row for row in live if row.key_id not in (None, *ring.key_ids)]
    lines = [
        f"Keys that would stop working without the last entry ({last}): {_key_names(dependent)}."
    ]
    if unknown:
        lines.append(
            "Keys that may stop working, because their entry is unknown until they are used: "
            f"{_key_names(unknown)}."
        )
    if dead:
        lines.append(f"Keys that do not work, because their entry was removed: {_key_names(dead)}.")
    return lines


def _key_names(rows: Rows) -> str:
    return ", ".join(f"{row.name} ({row.prefix}…)" for row in rows) or "none"
