"""Encodes events, settings and snapshots as JSON, and decodes them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import orjson
from pydantic import Field, TypeAdapter

from domain.calls.events import CallEvent, EphemeralEvent, EphemeralPayload, StoredEvent
from domain.calls.model import CallId
from domain.common import base64url
from domain.common.calling_hours import CallingHours
from domain.common.errors import InvalidCursor
from domain.telephony.trunks import InboundTrunkSpec, OutboundTrunkSpec, PhoneNumberSpec
from domain.tenants.settings import TenantSettings
from domain.tools.transfers import TransferTarget
from domain.workflows.answering import AnsweringOverride
from domain.workflows.interruptions import Interruption
from domain.workflows.model import EntryAction, Snapshot

_events: TypeAdapter[CallEvent] = TypeAdapter(Annotated[CallEvent, Field(discriminator="kind")])
_ephemeral: TypeAdapter[EphemeralPayload] = TypeAdapter(EphemeralPayload)
_snapshots: TypeAdapter[Snapshot] = TypeAdapter(Snapshot)
_settings: TypeAdapter[TenantSettings] = TypeAdapter(TenantSettings)
_calling_hours: TypeAdapter[CallingHours] = TypeAdapter(CallingHours)
_answering: TypeAdapter[AnsweringOverride] = TypeAdapter(AnsweringOverride)

OUTBOUND_TRUNK_SPEC = TypeAdapter(OutboundTrunkSpec)
INBOUND_TRUNK_SPEC = TypeAdapter(InboundTrunkSpec)
PHONE_NUMBER_SPEC = TypeAdapter(PhoneNumberSpec)

MAX_CACHED_SNAPSHOTS = 256
PROVIDER_FIELDS = ("llm", "stt", "tts", "vad")
ACTION_LISTS = frozenset({"actions", "on_success", "on_failure", "then", "otherwise"})
DEFAULTS_OF_TRANSFERS = {
    field.name: field.default for field in fields(TransferTarget) if field.default is not MISSING
}
_snapshot_cache: dict[UUID, Snapshot] = {}

_CURSOR = struct.Struct(">IIi")


def encode_event(event: CallEvent) -> str:
    return _events.dump_json(event).decode()


def decode_event(body: str | bytes) -> CallEvent:
    return _events.validate_json(body)


def stored_event(call_id: UUID, seq: int, at: datetime, body: str) -> StoredEvent:
    cursor = make_cursor(call_id, seq, body)
    return StoredEvent(CallId(call_id), seq, at, decode_event(body), cursor)


def snapshot_to_json(snapshot: Snapshot) -> tuple[dict[str, Any], str]:
    """The snapshot as JSON, and the SHA-256 of the canonical text of its content."""
    plain = _snapshots.dump_python(snapshot, mode="json")
    # Omitted because older snapshots lack these fields: equal content keeps its checksum.
    if snapshot.inherited is None:
        del plain["inherited"]
    if snapshot.workflow.recording is None:
        del plain["workflow"]["recording"]
    if snapshot.workflow.answering is None:
        del plain["workflow"]["answering"]
    for node in plain["workflow"]["nodes"]:
        if node["on_entry"] == EntryAction.CONVERSE:
            del node["on_entry"]
        if node["transfer"] is None:
            del node["transfer"]
    for name, agent in plain["agents"].items():
        if not agent["spoken_texts"]:
            del agent["spoken_texts"]
        if snapshot.agents[name].session.interruption == Interruption():
            del agent["session"]["interruption"]
        _omit_default_credentials(agent)
    for tool in plain["tools"].values():
        _omit_defaults_of_transfers(tool)
    # Where a value comes from is not part of the content, which calls run and which checksums compare.
    content = {name: value for name, value in plain.items() if name != "inherited"}
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return plain, hashlib.sha256(canonical).hexdigest()


def _omit_default_credentials(agent: dict[str, Any]) -> None:
    chosen = [agent[name] for name in PROVIDER_FIELDS if agent[name] is not None]
    for choice in (each for first in chosen for each in (first, *first["fallbacks"])):
        if choice["credential"] is None:
            del choice["credential"]


def _omit_defaults_of_transfers(value: Any) -> None:
    """Older snapshots have only the number of a transfer."""
    if isinstance(value, list):
        for item in value:
            _omit_defaults_of_transfers(item)
    elif isinstance(value, dict):
        if value.get("type") == "transfer_call" and "number" in value:
            for name, default in DEFAULTS_OF_TRANSFERS.items():
                if value.get(name) == default:
                    del value[name]
        for name in ACTION_LISTS & value.keys():
            _omit_defaults_of_transfers(value[name])


def snapshot_from_json(plain: Any) -> Snapshot:
    return _snapshots.validate_python(plain, strict=False)


def cached_snapshot(version: UUID, plain: Callable[[], Any]) -> Snapshot:
    """Parse a snapshot once per version, because every call of the version needs it."""
    snapshot = _snapshot_cache.get(version)
    if snapshot is None:
        if len(_snapshot_cache) >= MAX_CACHED_SNAPSHOTS:
            _snapshot_cache.clear()
        snapshot = _snapshot_cache[version] = snapshot_from_json(plain())
    return snapshot


def settings_to_json(settings: TenantSettings) -> dict[str, Any]:
    plain: dict[str, Any] = _settings.dump_python(settings, mode="json")
    return plain


def settings_from_json(plain: Any) -> TenantSettings:
    return _settings.validate_python(plain or {})


def calling_hours_to_json(hours: CallingHours | None) -> dict[str, Any] | None:
    return None if hours is None else _calling_hours.dump_python(hours, mode="json")


def calling_hours_from_json(plain: Any) -> CallingHours | None:
    return None if plain is None else _calling_hours.validate_python(plain)


def answering_to_json(override: AnsweringOverride | None) -> dict[str, Any] | None:
    return (
        None
        if override is None
        else _answering.dump_python(override, mode="json", exclude_none=True)
    )


def answering_from_json(plain: Any) -> AnsweringOverride | None:
    return None if plain is None else _answering.validate_python(plain)


# ---- messages over Redis: notifications of events that are already stored -------------------


def encode_message(call_id: UUID, seq: int, at: datetime, body: str) -> str:
    return f"{seq}|{at.isoformat()}|{body}"


def encode_ephemeral_message(event: EphemeralPayload) -> str:
    return "~||" + _ephemeral.dump_json(event).decode()


def decode_message(call_id: UUID, message: str) -> StoredEvent | EphemeralEvent:
    seq, at, body = message.split("|", 2)
    if seq == "~":
        return EphemeralEvent(CallId(call_id), _ephemeral.validate_json(body))
    return stored_event(call_id, int(seq), datetime.fromisoformat(at), body)


# ---- cursors: the call, the position in its log, and a check that history was not rewound ---


def make_cursor(call_id: UUID, seq: int, body: str) -> str:
    tag = zlib.crc32(body.encode()) - 2**31
    packed = _CURSOR.pack(_fingerprint(call_id), seq, tag)
    return base64url.encode(packed)


def parse_cursor(call_id: UUID, cursor: str) -> tuple[int, str]:
    """Return the number of the last event before the cursor, and the cursor itself, which must
    equal that of the stored event."""
    try:
        packed = base64url.decode(cursor)
        fingerprint, seq, _ = _CURSOR.unpack(packed)
    except (ValueError, struct.error):
        raise InvalidCursor("This is not a cursor of callEvents.", ("after",)) from None
    if fingerprint != _fingerprint(call_id):
        raise InvalidCursor("This cursor belongs to another call.", ("after",))
    return cast(int, seq), cursor


def _fingerprint(call_id: UUID) -> int:
    return zlib.crc32(call_id.bytes)
