"""Who acts in the current request, and from where.

Every transaction of a request passes this to the database, whose triggers write the audit log. It is
ambient, so that no use case can forget to pass it on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from domain.common.networks import parse_address

ANONYMOUS = "anonymous"
"""The actor of a request without a credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The actor of a request, its address and its id, and the mutation that is being carried out, or the
    field that is refused."""

    actor: str = ANONYMOUS
    """`user:<id>`, `key:<id>` or `identity_provider:<id>`"""
    tenant: str | None = None
    """The tenant of the actor."""
    session: str | None = None
    address: str | None = None
    request: str | None = None
    action: str | None = None


_current: ContextVar[Origin | None] = ContextVar("audit_origin", default=None)


def current_origin() -> Origin | None:
    """The origin of the current request; None outside of requests."""
    return _current.get()


@contextmanager
def acting_as(origin: Origin | None) -> Generator[None]:
    """Attribute to the origin what happens in the block."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def on_behalf_of(actor: str) -> Generator[None]:
    """Attribute to another actor than the credential of the current request what happens in the block."""
    with acting_as(replace(_current.get() or Origin(), actor=actor)):
        yield


@contextmanager
def performing(action: str | None) -> Generator[None]:
    """Name what the current request does in the block."""
    with acting_as(replace(_current.get() or Origin(), action=action)):
        yield


def known_address(address: str) -> str | None:
    """The address if it is an IP address. Anything else, which a proxy may pass on, is dropped."""
    parsed = parse_address(address)
    return None if parsed is None else str(parsed)
