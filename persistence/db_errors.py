"""Translates outages of the database into the domain's errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

import asyncpg

from domain.common.errors import Unavailable, WrongDatabaseRole

P = ParamSpec("P")
T = TypeVar("T")

OUTAGE_TYPES = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # asyncpg raises this when the server has ended the connection between two statements.
    asyncpg.InternalClientError,
    WrongDatabaseRole,
)
OUTAGE_CLASSES = ("08", "40", "53", "57")
"""SQLSTATE classes of errors of the connection, rollbacks, lack of resources and shutdowns."""
READ_ONLY_TRANSACTION = "25006"
"""SQLSTATE of a write to a server that has become a replica."""

TOO_MANY_CONNECTIONS = "53300"
"""SQLSTATE when `max_connections` or the limit of the user or the database is reached."""


@runtime_checkable
class EngineError(Protocol):
    """A driver error wrapped by SQLAlchemy. It is matched by its attributes, because workers and
    keepers do not load SQLAlchemy."""

    orig: BaseException | None
    connection_invalidated: bool


def is_outage(error: BaseException) -> bool:
    match error:
        case EngineError():
            return error.connection_invalidated or any(map(_is_outage_cause, _causes(error.orig)))
        case _:
            return _is_outage_cause(error)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """SQLAlchemy wraps the driver's error once or twice, depending on where it happened."""
    while error is not None:
        yield error
        error = error.orig if isinstance(error, EngineError) else error.__cause__


def _is_outage_cause(error: BaseException) -> bool:
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in OUTAGE_CLASSES or state == READ_ONLY_TRANSACTION
    return isinstance(error, OUTAGE_TYPES)


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of a PostgreSQL error, whether or not SQLAlchemy has wrapped the error."""
    causes = (cause for cause in _causes(error) if isinstance(cause, asyncpg.PostgresError))
    return next((cause.sqlstate for cause in causes), None)


def is_server_full(error: BaseException) -> bool:
    return sqlstate_of(error) == TOO_MANY_CONNECTIONS


def database_unavailable() -> Unavailable:
    return Unavailable("The database is not available; try again.")


def translate_outages(
    do: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(do)
    async def translated(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await do(*args, **kwargs)
        except Exception as error:
            if is_outage(error):
                raise database_unavailable() from error
            raise

    return translated
