"""How inbound calls reach LiveKit rooms: one route for each number that a workflow answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from domain.telephony.trunks import MediaEncryption, PhoneNumber, PhoneNumberId

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


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """What the keepers found when they last compared LiveKit with the routes."""

    is_compared: bool = True
    """False when no keeper has compared them within `REPORT_SECONDS`."""
    unavailable: str | None = None
    """Code of the error of LiveKit's SIP service; None when it responds."""
    refused: Mapping[PhoneNumberId, str] = field(default_factory=dict)
    """Code of LiveKit's refusal for each number that has no route because of it."""


REPORT_SECONDS = 30
NO_REPORT = RouteReport(is_compared=False)


class RouteReports(Protocol):
    async def put(self, report: RouteReport) -> None:
        """Replace the last report. Never raises."""
        ...

    async def last(self) -> RouteReport | None:
        """Return the last report; None while it cannot be read."""
        ...


class RouteFault(StrEnum):
    """Why LiveKit does not accept the calls to a number."""

    REFUSED = "REFUSED"
    LIVEKIT_UNAVAILABLE = "LIVEKIT_UNAVAILABLE"
    NO_KEEPER = "NO_KEEPER"


@dataclass(frozen=True, slots=True)
class RouteProblem:
    """A fault, and what it is and how to fix it, for people."""

    fault: RouteFault
    message: str


def route_problem(number: PhoneNumber, report: RouteReport | None) -> RouteProblem | None:
    """The problem of a number that a workflow answers; None if there is none, or it is not known."""
    if report is None or number.spec.workflow_id is None:
        return None
    if not report.is_compared:
        return RouteProblem(
            RouteFault.NO_KEEPER,
            f"No keeper has compared LiveKit with the numbers within {REPORT_SECONDS} seconds, so a "
            "change of the number has no effect. Start a keeper, with LIVEKIT_URL.",
        )
    if report.unavailable is not None:
        return RouteProblem(
            RouteFault.LIVEKIT_UNAVAILABLE,
            f"LiveKit's SIP service does not respond ({report.unavailable}). Check that the LiveKit "
            "server runs and has a Redis.",
        )
    if (code := report.refused.get(number.id)) is not None:
        return RouteProblem(
            RouteFault.REFUSED,
            f"LiveKit refuses the trunk of the number ({code}). Delete other trunks that have the "
            "number from the LiveKit server, and look at its log.",
        )
    return None
