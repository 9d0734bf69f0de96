"""How inbound calls reach LiveKit rooms: one route for each number that a workflow answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.telephony.trunks import MediaEncryption, PhoneNumberId

INBOUND_ROOM_PREFIX = "in"
"""Rooms of inbound calls are named `in_<caller>_<random>`."""
INSTALLATION_ATTRIBUTE = "studio.installation"
NUMBER_ATTRIBUTE = "studio.number_id"
"""The attribute of the caller's participant that has the id of the called number."""
HEADER_ATTRIBUTE_PREFIX = "studio.header."
"""Attributes of the caller's participant that have the SIP headers which the trunk allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRoute:
    """A number, and the calls to it that are accepted."""

    number_id: PhoneNumberId
    number: str
    version: str
    """Changes with every edit of the number or its trunk, also with that of the password."""
    allowed_addresses: tuple[str, ...]
    media_encryption: MediaEncryption
    username: str | None
    password: str | None = field(repr=False)
    context_headers: tuple[str, ...]
    ringing_seconds: int
    max_seconds: int
    """From the answer on, the time on hold included."""


class InboundRoutes(Protocol):
    """The routes of all tenants."""

    async def installation_id(self) -> UUID:
        """Return the id of this installation, which stays the same for as long as its database."""
        ...

    async def inbound_routes(self) -> Sequence[InboundRoute]:
        """Return the routes of all numbers whose workflow is published and whose trunk is enabled,
        except those whose password cannot be decrypted."""
        ...
