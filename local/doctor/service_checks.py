"""Whether the services of an installation respond and find each other: the API, LiveKit, its webhooks,
livekit-sip, and their clocks."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import wraps
from http import HTTPStatus
from typing import Any

import aiohttp
import httpx
import jwt
from google.protobuf.duration_pb2 import Duration
from livekit import api
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.telephony.inbound_routes import INBOUND_ROOM_PREFIX
from local.doctor.findings import Finding, fault, ok, skipped, warning
from local.doctor.installation import Installation
from local.livekit import LivekitCredentials

REQUEST_SECONDS = 5.0
WEBHOOK_PATH = "/webhooks/livekit"
WEBHOOK_SECONDS = 4.0
ROOMS_CHANNEL = "studio:rooms"
"""The Redis channel on which the API announces webhooks about the rooms of inbound calls."""
UNRESOLVABLE = "doctor.invalid"
"""A name that no name server knows (RFC 2606), so that a call to it ends before it is dialled."""
PROBE_NUMBER = "doctor"
MAX_CLOCK_DIFFERENCE_SECONDS = 2.0

NO_LIVEKIT = "LiveKit is not configured, so there are no voice calls and no telephone."
START_SIP = (
    "Start livekit-sip, with the `redis` of LiveKit in its configuration: both must use the same "
    "Redis. With docker-compose.yml, set COMPOSE_PROFILES=phone."
)

Findings = Sequence[Finding]
LivekitCheck = Callable[[Installation, LivekitCredentials], Awaitable[Findings]]


def _needs_livekit(check: LivekitCheck) -> Callable[[Installation], Awaitable[Findings]]:
    """Skip the check if there is no LiveKit."""

    @wraps(check)
    async def run(installation: Installation) -> Findings:
        if installation.livekit is None:
            return (skipped(NO_LIVEKIT),)
        return await check(installation, installation.livekit)

    return run


# ---- the API -------------------------------------------------------------------------------


async def check_api(installation: Installation) -> Findings:
    url = installation.api_url
    if not url:
        return (skipped("No studio runs here; STUDIO_URL names another one."),)
    try:
        async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
            response = await http.get(f"{url}/health/ready")
    except httpx.HTTPError as error:
        fix = "Start the API, or correct STUDIO_URL."
        return (fault(f"{url} does not respond ({type(error).__name__}).", fix),)
    if response.status_code == 200:
        return (ok(f"{url} is ready."),)
    if response.status_code == 404:  # Caddy does not publish the health check
        return (warning(f"{url} does not show its health.", "Examine the API without its proxy."),)
    fix = "Check PostgreSQL, and the log of the API."
    return (fault(f"{url} is not ready (status {response.status_code}).", fix),)


# ---- LiveKit -------------------------------------------------------------------------------


@asynccontextmanager
async def _client(livekit: LivekitCredentials) -> AsyncIterator[api.LiveKitAPI]:
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with api.LiveKitAPI(livekit.url, livekit.key, livekit.secret, timeout=timeout) as client:
        yield client


@_needs_livekit
async def check_livekit(installation: Installation, livekit: LivekitCredentials) -> Findings:
    try:
        async with _client(livekit) as client:
            await client.room.list_rooms(api.ListRoomsRequest())
    except api.ServerError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            message = f"{livekit.url} rejects LIVEKIT_API_KEY and LIVEKIT_API_SECRET."
            return (fault(message, "Use a key from the `keys` of LiveKit's configuration."),)
        fix = "Check LiveKit's log, and its Redis."
        return (fault(f"{livekit.url} does not list its rooms ({error.code}).", fix),)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        message = f"{livekit.url} does not respond ({type(error).__name__})."
        return (fault(message, "Start LiveKit, or correct LIVEKIT_URL."),)
    return (ok(f"{livekit.url} responds and accepts the key."),)


@_needs_livekit
async def check_redis(installation: Installation, livekit: LivekitCredentials) -> Findings:
    """Whether LiveKit and livekit-sip find each other, which they do through the Redis of LiveKit."""
    try:
        async with _client(livekit) as client:
            await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
            code = await _dial_nowhere(client)
    except api.ServerError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            return (skipped("LiveKit rejects the key."),)
        message = f"LiveKit has no SIP service ({error.code})."
        fix = "LiveKit needs a Redis for telephone calls: set `redis` in its configuration."
        return (fault(message, fix),)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return (skipped("LiveKit does not respond."),)
    if code == api.ServerErrorCode.UNAVAILABLE:
        return (fault("No livekit-sip answers in LiveKit's Redis.", START_SIP),)
    if code in (api.ServerErrorCode.PERMISSION_DENIED, api.ServerErrorCode.UNAUTHENTICATED):
        fix = "Give the key of the studio all permissions in LiveKit's configuration."
        return (fault("LiveKit does not let this key dial.", fix),)
    return (ok("LiveKit reaches livekit-sip through the Redis that they share."),)


async def _dial_nowhere(client: api.LiveKitAPI) -> str:
    """Ask livekit-sip for a call that it cannot make, and return the code of its refusal."""
    room = f"doctor-{secrets.token_hex(6)}"
    request = api.CreateSIPParticipantRequest(
        trunk=api.SIPOutboundConfig(hostname=UNRESOLVABLE),
        sip_call_to=PROBE_NUMBER,
        sip_number=PROBE_NUMBER,
        room_name=room,
        participant_identity=PROBE_NUMBER,
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=1),
    )
    try:
        await client.sip.create_sip_participant(request, timeout=REQUEST_SECONDS)
    except api.ServerError as error:
        return str(error.code)
    except TimeoutError:  # it resolves the name, and a name server stays silent
        return api.ServerErrorCode.DEADLINE_EXCEEDED
    finally:
        await _delete_room(client, room)
    return ""


async def _delete_room(client: api.LiveKitAPI, room: str) -> None:
    with suppress(api.ServerError, aiohttp.ClientError, TimeoutError):
        await client.room.delete_room(api.DeleteRoomRequest(room=room))


@_needs_livekit
async def check_dispatch(installation: Installation, livekit: LivekitCredentials) -> Findings:
    """Whether LiveKit accepts calls that it should not: from forged addresses, or for any number."""
    try:
        async with _client(livekit) as client:
            trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
            rules = await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    except (api.ServerError, aiohttp.ClientError, TimeoutError, OSError):
        return (skipped("LiveKit does not list its trunks."),)
    found = [
        fault(
            f"The dispatch rule {rule.name or rule.sip_dispatch_rule_id} names no trunk: it accepts"
            " calls of strangers.",
            f"Delete it, or give it `trunk_ids`: lk sip dispatch delete {rule.sip_dispatch_rule_id}",
        )
        for rule in rules.items
        if not rule.trunk_ids
    ]
    found += [
        fault(
            f"The trunk {trunk.name or trunk.sip_trunk_id} allows the bare address {address}, which"
            " callers can forge.",
            f"Write {address}/32.",
        )
        for trunk in trunks.items
        for address in trunk.allowed_addresses
        if "/" not in address
    ]
    if found:
        return found
    count = len(trunks.items)
    return (ok(f"LiveKit accepts calls over {count} inbound trunks, and no others."),)


# ---- webhooks ------------------------------------------------------------------------------


@_needs_livekit
async def check_webhooks(installation: Installation, livekit: LivekitCredentials) -> Findings:
    """Whether the API accepts what LiveKit signs, and whether LiveKit sends it there."""
    if not installation.api_url:
        return (skipped("There is no studio that could receive webhooks."),)
    url = installation.api_url + WEBHOOK_PATH
    try:
        status = await _send_webhook(url, livekit)
    except httpx.HTTPError:
        return (skipped(f"{url} does not respond."),)
    if status == 401:
        fix = "Give the API the LIVEKIT_API_KEY and LIVEKIT_API_SECRET of LiveKit."
        return (fault("The API does not accept webhooks that are signed with this key.", fix),)
    if status >= 300:
        fix = "Give the API LIVEKIT_API_KEY and LIVEKIT_API_SECRET, as the keepers have them."
        return (fault(f"The API refuses webhooks (status {status}).", fix),)
    if not installation.redis_url:
        return (
            skipped(
                "The API accepts webhooks; without REDIS_URL it cannot be seen whether any come."
            ),
        )
    return (await _await_webhook(installation.redis_url, livekit),)


async def _send_webhook(url: str, livekit: LivekitCredentials) -> int:
    """Send a webhook about nothing, and return the status of the response."""
    body = json.dumps({"event": "doctor", "id": secrets.token_hex(8)}).encode()
    claims = {
        "iss": livekit.key,
        "exp": int(time.time()) + 60,
        "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    headers = {
        "authorization": jwt.encode(claims, livekit.secret, "HS256"),
        "content-type": "application/webhook+json",
    }
    async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
        return (await http.post(url, content=body, headers=headers)).status_code


async def _await_webhook(redis_url: str, livekit: LivekitCredentials) -> Finding:
    """Open a room as those of inbound calls, and wait until the API announces it."""
    room = f"{INBOUND_ROOM_PREFIX}_doctor_{secrets.token_hex(6)}"
    try:
        async with _announcements(redis_url) as announced, _client(livekit) as client:
            try:
                await client.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=10))
                arrived = await announced()
            finally:
                await _delete_room(client, room)
    except (api.ServerError, aiohttp.ClientError, TimeoutError):
        return skipped("LiveKit does not open rooms.")
    except (RedisError, OSError):
        return skipped("The Redis of the studio (REDIS_URL) does not respond.")
    if arrived:
        return ok("LiveKit sends webhooks to the API, which accepts them.")
    message = (
        "LiveKit sends no webhooks to the API, so inbound calls are found up to a second later."
    )
    fix = (
        "Set `webhook: {api_key: …, urls: [https://HOST/webhooks/livekit]}` in LiveKit's"
        " configuration."
    )
    return warning(message, fix)


@asynccontextmanager
async def _announcements(redis_url: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Yields a function that waits for an announcement, and returns whether one has come."""
    redis: Redis = Redis.from_url(
        redis_url.replace("+cluster", ""), socket_connect_timeout=REQUEST_SECONDS
    )
    async with redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(ROOMS_CHANNEL)
        await pubsub.get_message(timeout=REQUEST_SECONDS)  # the confirmation

        async def arrived() -> bool:
            message: Any = await pubsub.get_message(
                ignore_subscribe_messages=True, timeout=WEBHOOK_SECONDS
            )
            return message is not None

        yield arrived


# ---- clocks --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClockReading:
    """The `Date` of a response, which is cut to a second, and when it was asked for and received."""

    sent: datetime
    date: datetime
    received: datetime

    @property
    def difference(self) -> float:
        """By how many seconds the clocks certainly differ; positive if the server is ahead."""
        earliest, latest = self.date, self.date + timedelta(seconds=1)
        if earliest > self.received:
            return (earliest - self.received).total_seconds()
        if latest < self.sent:
            return (latest - self.sent).total_seconds()
        return 0.0


async def check_clock(
    installation: Installation, is_synchronized: Callable[[], bool | None]
) -> Findings:
    urls = {"the API": installation.api_url}
    if installation.livekit is not None:
        urls["LiveKit"] = "http" + installation.livekit.url.removeprefix("ws")
    found: list[Finding] = []
    compared: list[str] = []
    for name, url in urls.items():
        reading = await _read_clock(url) if url else None
        if reading is None:
            continue
        compared.append(name)
        if abs(reading.difference) > MAX_CLOCK_DIFFERENCE_SECONDS:
            found.append(_clock_fault(name, reading.difference))
    if is_synchronized() is False:
        message = "No time server sets the clock of this machine."
        found.append(warning(message, "Enable time synchronization: timedatectl set-ntp true"))
    if found:
        return found
    if not compared:
        return (skipped("No server responds whose clock could be compared."),)
    return (ok(f"The clock agrees with that of {' and '.join(compared)}."),)


def _clock_fault(name: str, difference: float) -> Finding:
    direction = "ahead of" if difference > 0 else "behind"
    message = f"The clock of {name} is {abs(difference):.0f} s {direction} that of this machine."
    fix = "Synchronize both (NTP): LiveKit rejects tokens that are expired or not valid yet."
    return fault(message, fix)


async def _read_clock(url: str) -> ClockReading | None:
    try:
        async with httpx.AsyncClient(timeout=REQUEST_SECONDS) as http:
            sent = datetime.now(UTC)
            response = await http.get(url)
            received = datetime.now(UTC)
        date = parsedate_to_datetime(response.headers["date"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None
    return ClockReading(sent, date, received)
