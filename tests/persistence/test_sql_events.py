"""Events that SQL functions build equal those of the domain, key by key."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from domain.calls.commands import CommandKind
from domain.calls.events import CallEnded, CommandApplied, CommandRefused
from domain.calls.model import END_OUTCOMES
from domain.common.access import Viewer
from domain.common.settings import Settings
from domain.ports import Services
from domain.use_cases.calls import CallRequest, start_call
from persistence.codec import decode_event, encode_event
from persistence.migrate import SCRIPTS
from tests.support.database_schema import connected
from tests.support.demo_workflow import publish_clinic

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("answered", [False, True])
async def test_events_built_in_sql_equal_those_of_the_domain(
    answered: bool, services: Services, viewer: Viewer, settings: Settings
) -> None:
    await publish_clinic(services, viewer)
    async with connected(settings.database_url) as db:
        for reason, (state, blame) in END_OUTCOMES.items():
            call = await start_call(services, viewer, CallRequest(workflow_name="clinic"))
            if answered:
                await db.execute(
                    "update call_log set answered_at = now() - interval '90 s' where call_id = $1",
                    call.id,
                )
            commands = {kind: uuid4() for kind in CommandKind}
            await db.executemany(
                "insert into call_command (id, tenant_id, call_id, kind, body, asked_by)"
                " values ($1, $2, $3, $4, '{}', 'ada')",
                [(id, viewer.tenant_id, call.id, kind) for kind, id in commands.items()],
            )
            returned = await db.fetch(
                "select body from end_call($1, null, false, $2, $3, $4)",
                call.id,
                reason,
                state,
                blame,
            )
            log = await db.fetchrow("select * from call_log where call_id = $1", call.id)
            stored = await db.fetch(
                "select kind, body from call_event where call_id = $1 and seq > 1 order by seq",
                call.id,
            )
            assert [row["body"] for row in stored] == [row["body"] for row in returned]
            events = [decode_event(row["body"]) for row in stored]
            ended = events[-1]
            assert isinstance(ended, CallEnded)
            refused = [
                CommandRefused(
                    command_id=str(commands[kind]), command=kind, message="The call has ended."
                )
                for kind in (CommandKind.SEND_TEXT, CommandKind.TRANSFER)
            ]
            assert events == [
                *refused,
                CommandApplied(command_id=str(commands[CommandKind.END]), command=CommandKind.END),
                CallEnded(state=state, reason=reason, blame=blame, duration_ms=ended.duration_ms),
            ]
            talk = log["ended_at"] - log["answered_at"] if answered else timedelta()
            assert abs(ended.duration_ms - talk / timedelta(milliseconds=1)) <= 0.5
            assert [event.kind for event in events] == [row["kind"] for row in stored]
            assert [orjson.loads(encode_event(event)) for event in events] == [
                orjson.loads(row["body"]) for row in stored
            ]
    # An event that another function builds needs a test, too.
    built = re.findall(r"'kind', '(\w+)'", (SCRIPTS / "functions.sql").read_text())
    assert set(built) == {event.kind for event in events}
