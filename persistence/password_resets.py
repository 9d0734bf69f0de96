"""Links to set a new password."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.common.access import PersonId
from domain.tenants.members import PASSWORD_RESET_LIFETIME
from persistence import tables
from persistence.link_tokens import hash_token, new_token

_reset = tables.password_reset


async def create_password_reset(db: AsyncConnection, person: PersonId, created_by: str) -> str:
    """The token of a new link, which replaces an earlier one of the person."""
    token = new_token()
    values = {
        "hash": hash_token(token),
        "created_by": created_by,
        "created_at": func.now(),
        "expires_at": datetime.now(UTC) + PASSWORD_RESET_LIFETIME,
    }
    create = insert(_reset).values(person_id=person, **values)
    await db.execute(create.on_conflict_do_update(index_elements=["person_id"], set_=values))
    return token
