"""`./studio up --emulators`: emulators of the providers, to work on voice calls without keys.

The tests run against the same ones."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from local import home
from local.complaints import LOUD
from local.program import CannotStart, Program
from local.service import Service, answers
from local.state import State

KEY = "stand-in"
"""In place of a provider's key."""
PLACES = {
    "DEEPGRAM": "",
    "CARTESIA": "",
    "SARVAM": "",
    "OPENAI": "/openai",
    "GOOGLE": "/gemini",
}
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class StandIns:
    """Where they answer, and whom they stand in for: those of which no key or address was given."""

    port: int
    names: tuple[str, ...]

    @property
    def said(self) -> str:
        named = ", ".join(name.title() for name in self.names)
        return (
            f"STAND-INS, not the real {named}: what callers say is made up, and agents sound as"
            " tones"
        )

    @property
    def environment(self) -> Mapping[str, str]:
        url = f"http://{HOST}:{self.port}"
        keys = {f"{name}_API_KEY": KEY for name in self.names}
        return keys | {f"{name}_BASE_URL": url + PLACES[name] for name in self.names}

    def service(self, environment: Mapping[str, str]) -> Service:
        program = Program(
            name="emulators",
            argv=(sys.executable, "-m", "local.emulators", str(self.port)),
            env=environment,
            ready=answers(HOST, self.port, "/openai/models"),
        )
        return Service(program=program, loud=LOUD)


def stand_ins(state: State, environ: Mapping[str, str]) -> StandIns:
    given = ("_API_KEY", "_BASE_URL")
    names = tuple(n for n in PLACES if not any(environ.get(n + which) for which in given))
    if not names:
        raise CannotStart("--emulators: there is a key for every provider, so none stands in")
    return StandIns(home.kept_port(state.root / "emulators.port"), names)
