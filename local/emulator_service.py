"""`./studio up --emulators`: emulators of the providers, to work on voice calls without API keys.

The tests use the same emulators."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from local import private_files
from local.log_alerts import ALERT_PATTERN
from local.process_spec import ProcessSpec, StartupError
from local.service import Service, http_ready
from local.state_dir import StateDir

EMULATOR_KEY = "emulator"
"""The value of a provider's API key variable when the provider is emulated."""
BASE_PATHS = {
    "DEEPGRAM": "",
    "CARTESIA": "",
    "SARVAM": "",
    "OPENAI": "/openai",
    "GOOGLE": "/gemini",
}
DISPLAY_NAMES = {"OPENAI": "OpenAI"}
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Emulators:
    """Their port, and the emulated providers: those without an API key and without a base URL."""

    port: int
    names: tuple[str, ...]

    @property
    def description(self) -> str:
        providers = ", ".join(DISPLAY_NAMES.get(name, name.title()) for name in self.names)
        return (
            f"EMULATORS, not the real {providers}: what callers say is made up, and agents sound"
            " like tones"
        )

    @property
    def environment(self) -> Mapping[str, str]:
        url = f"http://{HOST}:{self.port}"
        keys = {f"{name}_API_KEY": EMULATOR_KEY for name in self.names}
        return keys | {f"{name}_BASE_URL": url + BASE_PATHS[name] for name in self.names}

    def service(self, environment: Mapping[str, str]) -> Service:
        spec = ProcessSpec(
            name="emulators",
            argv=(sys.executable, "-m", "local.emulators", str(self.port)),
            env=environment,
            ready=http_ready(HOST, self.port, "/openai/models"),
        )
        return Service(spec=spec, alert_pattern=ALERT_PATTERN)


def choose_emulators(state: StateDir, environ: Mapping[str, str]) -> Emulators:
    suffixes = ("_API_KEY", "_BASE_URL")
    names = tuple(n for n in BASE_PATHS if not any(environ.get(n + suffix) for suffix in suffixes))
    if not names:
        raise StartupError(
            "--emulators: every provider has an API key or base URL, so there is none to emulate"
        )
    return Emulators(private_files.load_or_pick_port(state.root / "emulators.port"), names)
