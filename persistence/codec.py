"""Events, settings and snapshots to JSON text and back."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from pydantic import Field, TypeAdapter

from domain.calls import CallId
from domain.errors import InvalidCursor
from domain.events import CallEvent, Ephemeral, Passing, Recorded
from domain.tenants import TenantSettings
from domain.workflows import Snapshot

_events: TypeAdapter[CallEvent] = TypeAdapter(Annotated[CallEvent, Field(discriminator="kind")])
_ephemeral: TypeAdapter[Ephemeral] = TypeAdapter(Ephemeral)
_snapshots: TypeAdapter[Snapshot] = TypeAdapter(Snapshot)
_settings: TypeAdapter[TenantSettings] = TypeAdapter(TenantSettings)

MOST_KNOWN = 256
_known: dict[str, Snapshot] = {}

_CURSOR = struct.Struct(">IIi")


def encode(event: CallEvent) -> str:
    return _events.dump_json(event).decode()


def decode(body: str | bytes) -> CallEvent:
    return _events.validate_json(body)


def recorded(call_id: UUID, seq: int, at: datetime, body: str) -> Recorded:
    cursor = make_cursor(call_id, seq, body)
    return Recorded(CallId(call_id), seq, at, decode(body), cursor)


def snapshot_to_json(snapshot: Snapshot) -> tuple[dict[str, Any], str]:
    """The snapshot as JSON, and the SHA-256 of its canonical text."""
    plain = _snapshots.dump_python(snapshot, mode="json")
    if snapshot.workflow.recording is None:
        # Left out, as it was before there could be one: the same content keeps its checksum.
        del plain["workflow"]["recording"]
    canonical = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return plain, hashlib.sha256(canonical).hexdigest()


def snapshot_from_json(plain: Any) -> Snapshot:
    return _snapshots.validate_python(plain, strict=False)


def snapshot_of(checksum: str, plain: Callable[[], Any]) -> Snapshot:
    """Parsed once per content: every call of a version needs it, and it never changes."""
    found = _known.get(checksum)
    if found is None:
        if len(_known) >= MOST_KNOWN:
            _known.clear()
        found = _known[checksum] = snapshot_from_json(plain())
    return found


def settings_to_json(settings: TenantSettings) -> dict[str, Any]:
    plain: dict[str, Any] = _settings.dump_python(settings, mode="json")
    return plain


def settings_from_json(plain: Any) -> TenantSettings:
    return _settings.validate_python(plain or {})


# ---- what goes over Redis: a hint of what is already stored --------------------------------


def announce(call_id: UUID, seq: int, at: datetime, body: str) -> str:
    return f"{seq}|{at.isoformat()}|{body}"


def announce_passing(event: Ephemeral) -> str:
    return "~||" + _ephemeral.dump_json(event).decode()


def heard(call_id: UUID, message: str) -> Recorded | Passing:
    seq, at, body = message.split("|", 2)
    if seq == "~":
        return Passing(CallId(call_id), _ephemeral.validate_json(body))
    return recorded(call_id, int(seq), datetime.fromisoformat(at), body)


# ---- cursors: which call, how far, and a check that history was not rewound -----------------


def make_cursor(call_id: UUID, seq: int, body: str) -> str:
    tag = zlib.crc32(body.encode()) - 2**31
    packed = _CURSOR.pack(_fingerprint(call_id), seq, tag)
    return base64.urlsafe_b64encode(packed).decode()


def read_cursor(call_id: UUID, cursor: str) -> tuple[int, str]:
    """The number it points behind, and the cursor itself to compare with the stored event's."""
    try:
        packed = base64.b64decode(cursor, altchars=b"-_", validate=True)
        fingerprint, seq, _ = _CURSOR.unpack(packed)
    except (ValueError, struct.error):
        raise InvalidCursor("That is not a cursor of callEvents.", ("after",)) from None
    if fingerprint != _fingerprint(call_id):
        raise InvalidCursor("That cursor belongs to another call.", ("after",))
    return cast(int, seq), cursor


def _fingerprint(call_id: UUID) -> int:
    return zlib.crc32(call_id.bytes)
