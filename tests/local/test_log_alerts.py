"""The log lines that `./studio up` shows on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from local.log_alerts import ALERT_PATTERN, POSTGRES_ALERT_PATTERN, LogAlerts, format_line
from local.logs import Tail


def test_alerts_are_shown_immediately_and_repetitions_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    complaints = LogAlerts(Tail(log), ALERT_PATTERN)
    assert complaints.new_lines() == []
    log.write_text("INFO fine\nWARNING low\nWARNING low\nERROR emp")
    assert complaints.new_lines() == ["WARNING low"]
    with log.open("a") as file:
        file.write("ty\nWARNING low\n")
    assert complaints.new_lines() == ["ERROR empty", "WARNING low"]


def test_a_flood_of_alerts_is_summarized(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"ERROR {number}\n" for number in range(50)))
    shown = LogAlerts(Tail(log), ALERT_PATTERN).new_lines()
    assert shown == [*(f"ERROR {number}" for number in range(20)), "… 30 more"]


def test_a_json_log_line_becomes_level_message_and_exception() -> None:
    entry = {"at": "…", "level": "ERROR", "message": "call failed", "call_id": "c1"}
    assert format_line(json.dumps(entry)) == "ERROR call failed"
    raised = entry | {"exception": "Traceback (most recent call last):\n  …\nOSError: gone\n"}
    assert format_line(json.dumps(raised)) == "ERROR call failed (OSError: gone)"
    assert format_line("Traceback (most recent call last):") == "Traceback (most recent call last):"
    assert format_line('{"level": 1}') == '{"level": 1}'
    assert format_line("[1]") == "[1]"


def test_routine_messages_of_postgres_are_not_shown() -> None:
    loud = [
        line
        for line in (
            "FATAL:  the database system is starting up",
            "FATAL:  terminating connection due to administrator command",
            "ERROR:  duplicate key value violates unique constraint",
            "FATAL:  could not write lock file: No space left on device",
            "PANIC:  could not write to file",
        )
        if POSTGRES_ALERT_PATTERN.search(line)
    ]
    assert loud == [
        "FATAL:  could not write lock file: No space left on device",
        "PANIC:  could not write to file",
    ]
