"""Starting a call that dials a phone: which trunk, which caller id, whether and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from domain.calls.dialing import calling_hours_problem
from domain.calls.model import Call
from domain.common.calling_hours import CallingHours, check_calling_hours
from domain.common.errors import DialRefused, InvalidInput, NotFound, Path, Problem
from domain.common.lists import Window
from domain.common.problems import Problems, problems_of, raise_per_value
from domain.common.time_ranges import check_time
from domain.ports import UnitOfWork
from domain.telephony.dial_policy import DialRefusal, check_dial, check_limits, choose_caller_id
from domain.telephony.trunks import (
    DEFAULT_RINGING_SECONDS,
    MAX_RINGING_SECONDS,
    MIN_RINGING_SECONDS,
    OutboundTrunk,
    PhoneNumber,
)
from domain.workflows.answering import AnsweringOverride, answering_of, call_answering_problems

MAX_SCHEDULE = timedelta(days=30)
MAX_SCHEDULED_CALLS = 10_000
"""Calls of a tenant whose time has not come."""
MAX_TRUNKS_TO_CHOOSE_FROM = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRequest:
    """The part of `startCall` that is about the phone. Without `trunk_id`, the trunk of the caller
    number is used, or the only one that is enabled."""

    phone_number: str | None = None
    trunk_id: UUID | None = None
    caller_number: str | None = None
    ringing_seconds: int | None = None
    scheduled_for: datetime | None = None
    calling_hours: CallingHours | None = None
    answering: AnsweringOverride | None = None


NO_DIAL = DialRequest()


def dial_request_problems(dial: DialRequest) -> Problems:
    """What is wrong with the request, whatever the time is."""
    if dial.phone_number is None:
        yield InvalidInput("A SIP call needs the phoneNumber to dial, in E.164.", ("phoneNumber",))
    seconds = dial.ringing_seconds
    if seconds is not None and not MIN_RINGING_SECONDS <= seconds <= MAX_RINGING_SECONDS:
        yield InvalidInput(
            f"ringingTimeout must be between {MIN_RINGING_SECONDS} and {MAX_RINGING_SECONDS} "
            "seconds.",
            ("ringingTimeout",),
        )
    yield from problems_of(check_time, dial.scheduled_for, ("scheduledFor",))
    if dial.calling_hours is not None:
        yield from problems_of(check_calling_hours, dial.calling_hours, ("allowedHours",))


def no_dial_problems(dial: DialRequest) -> Problems:
    """The fields that only a SIP call has."""
    for name, value in (
        ("phoneNumber", dial.phone_number),
        ("trunk", dial.trunk_id),
        ("callerNumber", dial.caller_number),
        ("ringingTimeout", dial.ringing_seconds),
        ("scheduledFor", dial.scheduled_for),
        ("allowedHours", dial.calling_hours),
        ("answering", dial.answering),
    ):
        if value is not None:
            yield InvalidInput(f"Only SIP calls have a {name}; set kind: SIP, or omit it.", (name,))


def _check_schedule(at: datetime, now: datetime) -> None:
    path: Path = ("scheduledFor",)
    if at <= now:
        raise InvalidInput("scheduledFor must be in the future; omit it to call at once.", path)
    if at > now + MAX_SCHEDULE:
        raise InvalidInput(
            f"scheduledFor must not be more than {MAX_SCHEDULE.days} days ahead.", path
        )


async def with_dial(
    work: UnitOfWork, call: Call, dial: DialRequest, max_seconds: int | None
) -> Call:
    """The call with what it needs to be dialled. `max_seconds` is the duration that was asked for.
    Raises `DialRefused`, `NotFound` or `InvalidInput`."""
    assert dial.phone_number is not None
    problems = [
        *await _schedule_problems(work, call, dial),
        *await _answering_problems(work, call, dial),
    ]
    try:
        trunk, number = await _trunk_and_number(work, dial)
    except (InvalidInput, NotFound) as problem:
        raise_per_value(problems, problem.problems)
        raise
    raise_per_value(problems, _trunk_problems(trunk, dial.phone_number, max_seconds))
    defaults = number.spec.defaults
    limit = trunk.spec.max_call_seconds
    planned = replace(
        call,
        phone_number=dial.phone_number,
        from_number=number.spec.number,
        to_number=dial.phone_number,
        trunk_id=trunk.id,
        phone_number_id=number.id,
        scheduled_for=dial.scheduled_for,
        ringing_seconds=dial.ringing_seconds or defaults.ringing_seconds or DEFAULT_RINGING_SECONDS,
        calling_hours=dial.calling_hours or (await work.settings.get()).spec.allowed_hours,
        language=defaults.language,
        is_recorded=defaults.is_recorded,
        answering=dial.answering,
        user_context={**defaults.user_context, **call.user_context},
        max_seconds=min(max_seconds or defaults.max_seconds or call.max_seconds, limit),
    )
    _check_calling_hours(planned)
    if dial.scheduled_for is None:
        usage = await work.calls.dial_usage(trunk.id, dial.phone_number)
        check_limits(trunk.spec.limits, usage, ("phoneNumber",))
    return planned


async def _schedule_problems(work: UnitOfWork, call: Call, dial: DialRequest) -> Sequence[Problem]:
    if dial.scheduled_for is None:
        return ()
    problems = list(problems_of(_check_schedule, dial.scheduled_for, call.created_at))
    if await work.calls.count_scheduled(MAX_SCHEDULED_CALLS) >= MAX_SCHEDULED_CALLS:
        problems.append(
            InvalidInput(
                f"A tenant may have at most {MAX_SCHEDULED_CALLS:,} scheduled calls; start this one "
                "later, or end some of them.",
                ("scheduledFor",),
            )
        )
    return problems


def _trunk_problems(trunk: OutboundTrunk, number: str, max_seconds: int | None) -> Problems:
    yield from problems_of(check_dial, trunk.spec, number, ("phoneNumber",))
    limit = trunk.spec.max_call_seconds
    if max_seconds is not None and max_seconds > limit:
        yield InvalidInput(
            f"The trunk {trunk.spec.name} allows calls of at most {limit} seconds.",
            ("maxDuration",),
        )


async def _answering_problems(work: UnitOfWork, call: Call, dial: DialRequest) -> Sequence[Problem]:
    """What is wrong with what the call says about machines, together with its workflow."""
    if dial.answering is None:
        return ()
    (version,) = await work.versions.by_ids([call.version_id])
    settings = answering_of(version.snapshot.workflow.answering, dial.answering)
    return tuple(call_answering_problems(settings, ("answering",)))


def _check_calling_hours(call: Call) -> None:
    problem = calling_hours_problem(call, call.scheduled_for or call.created_at)
    if problem is not None:
        path: Path = ("allowedHours",) if call.scheduled_for is None else ("scheduledFor",)
        raise DialRefused(problem, path, reason=DialRefusal.OUTSIDE_ALLOWED_HOURS)


async def _trunk_and_number(
    work: UnitOfWork, dial: DialRequest
) -> tuple[OutboundTrunk, PhoneNumber]:
    """The trunk to dial over, and the number that the callee sees."""
    asked = await work.phone_numbers.by_names([dial.caller_number]) if dial.caller_number else ()
    trunk = await _trunk(work, dial, asked)
    candidates = [number for number in asked if number.spec.outbound_trunk_id == trunk.id]
    if not candidates:
        numbers = await work.phone_numbers.using("outbound_trunk_id", [trunk.id])
        candidates = list(numbers.get(trunk.id, ()))
    return trunk, choose_caller_id(candidates, dial.caller_number, ("callerNumber",))


async def _trunk(
    work: UnitOfWork, dial: DialRequest, asked: Sequence[PhoneNumber]
) -> OutboundTrunk:
    """The trunk that is named, that of the number that is asked for, or the only one."""
    trunk_ids = [number.spec.outbound_trunk_id for number in asked]
    id = dial.trunk_id or next((id for id in trunk_ids if id is not None), None)
    if id is not None:
        trunk = await work.outbound_trunks.get(id)
        if trunk is None:
            raise NotFound("There is no such outbound trunk.", ("trunk",))
        return trunk
    page = await work.outbound_trunks.page(Window(MAX_TRUNKS_TO_CHOOSE_FROM))
    trunks = [trunk for trunk in page.items if trunk.spec.is_enabled]
    if len(trunks) != 1:
        raise InvalidInput(_choice_problem(len(trunks)), ("trunk",))
    return trunks[0]


def _choice_problem(count: int) -> str:
    if count == 0:
        return (
            "SIP calls need an outbound trunk, and none is enabled: create one with "
            "createOutboundTrunk."
        )
    return f"There are {count} outbound trunks; give the id of one, or one of their callerNumbers."
