"""The stream's algorithm against every interleaving of its faults.

A model of `persistence/streams.py`, small enough to explore whole: a writer commits numbered
events and then publishes them (or crashes before it does, and two writers may publish out of
order); the link to Redis may break, losing what is on its way; the mailbox is bounded; the reader
follows. *Safety*: what it yields is 1, 2, 3 … *Liveness*: from wherever one gets to, all events can
still be yielded. Variants with one precaution left out show that the check can fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

import pytest

EVENTS, FAULTS, MAILBOX = 4, 2, 2
LAGGED = 0
"""In a mailbox: messages may have been lost."""


class Reader(Enum):
    AWAY = auto()
    READING = auto()
    LIVE = auto()


@dataclass(frozen=True, slots=True)
class Rules:
    """The precautions of the reader and of its environment."""

    subscribes_first: bool = True
    checks_gaps: bool = True
    drops_repeats: bool = True
    marks_overflow: bool = True
    marks_reconnect: bool = True
    checks_heads: bool = True


@dataclass(frozen=True, slots=True)
class ModelState:
    stored: int = 0
    to_publish: tuple[int, ...] = ()
    on_the_way: tuple[int, ...] = ()
    link: bool = True
    subscribed: bool = False
    mailbox: tuple[int, ...] = ()
    reader: Reader = Reader.AWAY
    yielded: int = 0
    wrong: str = ""
    faults: int = 0


def steps(world: ModelState, rules: Rules) -> Iterator[ModelState]:
    """Every possible next state."""
    if not world.wrong:
        yield from _writer(world)
        yield from _link(world, rules)
        yield from _reader(world, rules)


def _writer(world: ModelState) -> Iterator[ModelState]:
    if world.stored < EVENTS:
        number = world.stored + 1
        yield replace(world, stored=number, to_publish=(*world.to_publish, number))
    for place, number in enumerate(world.to_publish):
        rest = world.to_publish[:place] + world.to_publish[place + 1 :]
        heard = (*world.on_the_way, number) if world.link and world.subscribed else world.on_the_way
        yield replace(world, to_publish=rest, on_the_way=heard)
        if world.faults < FAULTS:
            yield replace(world, to_publish=rest, faults=world.faults + 1)


def _link(world: ModelState, rules: Rules) -> Iterator[ModelState]:
    if not world.link:
        came_back = replace(world, link=True, subscribed=world.reader is not Reader.AWAY)
        yield _lagged(came_back) if rules.marks_reconnect else came_back
        return
    if world.faults < FAULTS:
        yield replace(world, link=False, subscribed=False, on_the_way=(), faults=world.faults + 1)
    if world.on_the_way:
        number, *rest = world.on_the_way
        yield _put(replace(world, on_the_way=tuple(rest)), number, rules)


def _put(world: ModelState, number: int, rules: Rules) -> ModelState:
    if len(world.mailbox) < MAILBOX:
        return replace(world, mailbox=(*world.mailbox, number))
    return _lagged(world) if rules.marks_overflow else world


def _lagged(world: ModelState) -> ModelState:
    return replace(world, mailbox=(LAGGED,))


def _reader(world: ModelState, rules: Rules) -> Iterator[ModelState]:
    if world.reader is Reader.AWAY:
        if rules.subscribes_first:
            yield replace(world, reader=Reader.READING, subscribed=world.link)
        else:
            # Reads everything, and only then starts to listen.
            read = replace(world, reader=Reader.LIVE, yielded=world.stored)
            yield replace(read, subscribed=False, reader=Reader.LIVE)
    elif world.reader is Reader.READING:
        if world.yielded < world.stored:
            yield replace(world, yielded=world.yielded + 1)
        else:
            yield replace(world, reader=Reader.LIVE)
    else:
        if not world.subscribed and world.link:
            yield replace(world, subscribed=True)
        yield from _live(world, rules)


def _live(world: ModelState, rules: Rules) -> Iterator[ModelState]:
    if rules.checks_heads and world.yielded < world.stored:
        yield replace(world, reader=Reader.READING, mailbox=())
    if not world.mailbox:
        return
    number, *rest = world.mailbox
    world = replace(world, mailbox=tuple(rest))
    if number == LAGGED:
        yield replace(world, reader=Reader.READING)
    elif number == world.yielded + 1:
        yield replace(world, yielded=number)
    elif number <= world.yielded:
        yield world if rules.drops_repeats else replace(world, wrong="twice")
    elif rules.checks_gaps:
        yield replace(world, reader=Reader.READING)
    else:
        yield replace(world, yielded=number, wrong="missing")


@dataclass(frozen=True, slots=True)
class Verdict:
    worlds: int
    wrong: frozenset[str]
    stuck: int
    """States from which the end can no longer be reached."""


def explore(rules: Rules) -> Verdict:
    before: dict[ModelState, list[ModelState]] = {ModelState(): []}
    todo = deque([ModelState()])
    while todo:
        world = todo.popleft()
        for after in steps(world, rules):
            if after not in before:
                before[after] = []
                todo.append(after)
            before[after].append(world)
    hopeful = {world for world in before if world.yielded == EVENTS and not world.wrong}
    todo.extend(hopeful)
    while todo:
        for earlier in before[todo.popleft()]:
            if earlier not in hopeful:
                hopeful.add(earlier)
                todo.append(earlier)
    wrong = frozenset(world.wrong for world in before if world.wrong)
    stuck = sum(world not in hopeful for world in before if not world.wrong)
    return Verdict(len(before), wrong, stuck)


def test_every_event_is_delivered_once_and_in_order() -> None:
    verdict = explore(Rules())
    print(f"{verdict.worlds} worlds explored")
    assert verdict.worlds > 10_000
    assert (verdict.wrong, verdict.stuck) == (frozenset(), 0)


@pytest.mark.parametrize(
    ("left_out", "wrong"),
    [("checks_gaps", "missing"), ("drops_repeats", "twice")],
)
def test_without_this_precaution_the_reader_yields_wrong_events(left_out: str, wrong: str) -> None:
    assert wrong in explore(replace(Rules(), **{left_out: False})).wrong


@pytest.mark.parametrize(
    "left_out",
    [
        ("checks_heads",),
        ("subscribes_first", "checks_heads"),
        ("marks_overflow", "checks_heads"),
    ],
)
def test_without_this_precaution_the_reader_can_get_stuck(left_out: tuple[str, ...]) -> None:
    assert explore(replace(Rules(), **dict.fromkeys(left_out, False))).stuck > 0


@pytest.mark.parametrize("left_out", ["marks_reconnect", "marks_overflow"])
def test_without_this_precaution_the_reader_is_only_slower(left_out: str) -> None:
    """The check of the heads finds the events, a second later."""
    verdict = explore(replace(Rules(), **{left_out: False}))
    assert (verdict.wrong, verdict.stuck) == (frozenset(), 0)
