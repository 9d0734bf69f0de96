"""The warnings and errors in the logs of the services, shortened for a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from local.logs import Tail

MAX_LINE_LENGTH = 300
MAX_LINES = 20

ALERT_PATTERN = re.compile(r'\b(WARNING|ERROR|CRITICAL|Traceback)\b|"(warning|error|critical)"')
# PostgreSQL also logs FATAL while it starts or stops, which the supervisor reports itself.
POSTGRES_ALERT_PATTERN = re.compile(
    r"PANIC:|FATAL:  (?!terminating connection|the database system is)"
)
# LiveKit's warnings concern the behaviour of clients, which an operator cannot fix.
LIVEKIT_ALERT_PATTERN = re.compile(r'"level":"(error|fatal|panic)"|^(panic|fatal error):')


@dataclass(slots=True)
class LogAlerts:
    """The alerts in one log since the last call; a line that repeats itself is shown once."""

    tail: Tail
    pattern: re.Pattern[str]
    last: str = ""

    def new_lines(self) -> list[str]:
        alerts = []
        for line in self.tail.read_lines():
            if self.pattern.search(line) and (text := format_line(line)) != self.last:
                self.last = text
                alerts.append(text)
        if len(alerts) > MAX_LINES:
            return [*alerts[:MAX_LINES], f"… {len(alerts) - MAX_LINES} more"]
        return alerts


def is_routine(line: str) -> bool:
    """Whether this is a structured log line of level debug or info."""
    try:
        return str(json.loads(line)["level"]).lower() in ("debug", "info")
    except (ValueError, KeyError, TypeError):
        return False


def format_line(line: str) -> str:
    """Shorten a structured log line to level, message and exception; only truncate other lines."""
    try:
        entry = json.loads(line)
        text = f"{entry['level']} {entry['message']}"
    except (ValueError, KeyError, TypeError):
        return line[:MAX_LINE_LENGTH]
    traceback = str(entry.get("exception", "")).strip().splitlines()
    return f"{text} ({traceback[-1]})"[:MAX_LINE_LENGTH] if traceback else text[:MAX_LINE_LENGTH]
