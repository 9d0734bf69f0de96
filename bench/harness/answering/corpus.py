"""The corpus of greetings: what is heard first after an outbound call is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from domain.workflows.answering import AnsweringParty

CORPUS = Path(__file__).parents[3] / "tests" / "corpus" / "greetings"
MARK = re.compile(r"\[([a-z]*)((?: ?[0-9.]+)*)\]")
DEFAULTS = {"beep": (1000.0, 0.4), "sit": (), "fax": (), "busy": ()}
"""The sounds, and the values that a mark without values stands for."""


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Play:
    """A sound: its name, and for a beep its frequency in hertz and its length in seconds."""

    sound: str
    values: tuple[float, ...]


Part = Say | Pause | Play


@dataclass(frozen=True, slots=True)
class Greeting:
    id: str
    language: str
    who: AnsweringParty
    parts: tuple[Part, ...]


def read_greetings(name: str) -> list[Greeting]:
    """The greetings of `tuned`, `held_out` or `unseen`."""
    items = yaml.safe_load((CORPUS / f"{name}.yaml").read_text())
    return [
        Greeting(
            item["id"], item["language"], AnsweringParty(item["who"]), tuple(_parts(item["text"]))
        )
        for item in items
    ]


def _parts(text: str) -> Iterator[Part]:
    position = 0
    for mark in MARK.finditer(text):
        yield from _words(text[position : mark.start()])
        position = mark.end()
        values = tuple(float(value) for value in mark[2].split())
        yield Play(mark[1], values or DEFAULTS[mark[1]]) if mark[1] else Pause(values[0])
    yield from _words(text[position:])


def _words(text: str) -> Iterator[Say]:
    if text.strip():
        yield Say(text.strip())
