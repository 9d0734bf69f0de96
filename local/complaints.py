"""What the services complain about, made short enough for a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from local.logs import Tail

WIDEST = 300
MOST_LINES = 20

LOUD = re.compile(r'\b(WARNING|ERROR|CRITICAL|Traceback)\b|"(warning|error|critical)"')
# PostgreSQL calls it fatal, too, when it is stopped or not yet there; that is said by us.
LOUD_IN_POSTGRES = re.compile(r"PANIC:|FATAL:  (?!terminating connection|the database system is)")
# It warns of much that callers do, and of nothing that we could mend.
LOUD_IN_LIVEKIT = re.compile(r'"level":"(error|fatal|panic)"|^(panic|fatal error):')


@dataclass(slots=True)
class Complaints:
    """The loud lines of one log since the last look; said once while they repeat themselves."""

    tail: Tail
    loud: re.Pattern[str]
    last: str = ""

    def new(self) -> list[str]:
        fresh = []
        for line in self.tail.lines():
            if self.loud.search(line) and (text := readable(line)) != self.last:
                self.last = text
                fresh.append(text)
        if len(fresh) > MOST_LINES:
            return [*fresh[:MOST_LINES], f"… {len(fresh) - MOST_LINES} more"]
        return fresh


def is_routine(line: str) -> bool:
    """Whether it is a line of ours that tells of no trouble."""
    try:
        return str(json.loads(line)["level"]).lower() in ("debug", "info")
    except (ValueError, KeyError, TypeError):
        return False


def readable(line: str) -> str:
    """A line of ours as level and message, with what was raised; any other as it is."""
    try:
        entry = json.loads(line)
        text = f"{entry['level']} {entry['message']}"
    except (ValueError, KeyError, TypeError):
        return line[:WIDEST]
    raised = str(entry.get("exception", "")).strip().splitlines()
    return f"{text} ({raised[-1]})"[:WIDEST] if raised else text[:WIDEST]
