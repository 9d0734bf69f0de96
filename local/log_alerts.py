"""What the services complain about, made short enough for a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from local.logs import Tail

MAX_LINE_LENGTH = 300
MAX_LINES = 20

ALERT_PATTERN = re.compile(r'\b(WARNING|ERROR|CRITICAL|Traceback)\b|"(warning|error|critical)"')
# PostgreSQL calls it fatal, too, when it is stopped or not yet there; that is said by us.
POSTGRES_ALERT_PATTERN = re.compile(
    r"PANIC:|FATAL:  (?!terminating connection|the database system is)"
)
# It warns of much that callers do, and of nothing that we could mend.
LIVEKIT_ALERT_PATTERN = re.compile(r'"level":"(error|fatal|panic)"|^(panic|fatal error):')


@dataclass(slots=True)
class LogAlerts:
    """The loud lines of one log since the last look; said once while they repeat themselves."""

    tail: Tail
    pattern: re.Pattern[str]
    last: str = ""

    def new_lines(self) -> list[str]:
        fresh = []
        for line in self.tail.read_lines():
            if self.pattern.search(line) and (text := format_line(line)) != self.last:
                self.last = text
                fresh.append(text)
        if len(fresh) > MAX_LINES:
            return [*fresh[:MAX_LINES], f"… {len(fresh) - MAX_LINES} more"]
        return fresh


def is_routine(line: str) -> bool:
    """Whether it is a line of ours that tells of no trouble."""
    try:
        return str(json.loads(line)["level"]).lower() in ("debug", "info")
    except (ValueError, KeyError, TypeError):
        return False


def format_line(line: str) -> str:
    """A line of ours as level and message, with what was raised; any other as it is."""
    try:
        entry = json.loads(line)
        text = f"{entry['level']} {entry['message']}"
    except (ValueError, KeyError, TypeError):
        return line[:MAX_LINE_LENGTH]
    raised = str(entry.get("exception", "")).strip().splitlines()
    return f"{text} ({raised[-1]})"[:MAX_LINE_LENGTH] if raised else text[:MAX_LINE_LENGTH]
