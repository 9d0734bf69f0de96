"""A store that is away, told in the domain's words."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

OUTAGES = (OSError, TimeoutError, PoolTimeout, asyncpg.InterfaceError)
OUTAGE_CLASSES = ("08", "53", "57")
"""SQLSTATE: connection, resources, operator intervention."""


def is_outage(error: BaseException) -> bool:
    match error:
        case DBAPIError():
            return error.connection_invalidated or is_outage(error.orig or error.__cause__ or error)
        case asyncpg.PostgresError():
            return (error.sqlstate or "")[:2] in OUTAGE_CLASSES
        case _:
            return isinstance(error, OUTAGES)


def unavailable() -> Unavailable:
    return Unavailable("The database is not available; try again.")


def told_as_unavailable(
    do: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(do)
    async def telling(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await do(*args, **kwargs)
        except Exception as error:
            if is_outage(error):
                raise unavailable() from error
            raise

    return telling
