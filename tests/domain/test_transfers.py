"""The rules of transfers: what may be configured, what a colleague hears and answers, what the log says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.calls.briefs import TEXTS, UNKNOWN_CALLERS, default_brief
from domain.calls.context import CallContext
from domain.calls.dial_outcomes import DialError, LegFacts
from domain.calls.events import (
    AgentTurn,
    TransferAdvanced,
    TransferFailed,
    TransferStarted,
    UserTurn,
)
from domain.calls.model import EndReason
from domain.calls.state import CallProjection, SystemNote
from domain.calls.transfers import (
    EXPLANATIONS,
    FAILURE_OF_DIAL,
    TransferFailure,
    TransferPhase,
    TransferVia,
    failure_of_dial,
    failure_of_refer,
)
from domain.common.problems import Problems
from domain.telephony.acceptance import QUESTIONS, Decision, decision_by_key, decision_by_words
from domain.telephony.hold import HOLD_TEXTS
from domain.tools.actions import Conditional, TransferCall
from domain.tools.transfers import TransferMode, TransferTarget, transfer_problems
from domain.verification import build_snapshot
from domain.workflows.model import EntryAction, Node, check_workflow, workflow_problems
from persistence.codec import snapshot_from_json, snapshot_to_json
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION

AT = datetime(2026, 1, 1, tzinfo=UTC)
F = TransferFailure
NUMBER = "+12025550123"
WARM = TransferTarget(number=NUMBER, mode=TransferMode.WARM)


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("Yes.", Decision.ACCEPTED),
        ("okay, put them through", Decision.ACCEPTED),
        ("Ja, gerne", Decision.ACCEPTED),
        ("sí, claro", Decision.ACCEPTED),
        ("हाँ जी", Decision.ACCEPTED),
        ("No, sorry.", Decision.DECLINED),
        ("yes, but not now", Decision.DECLINED),
        ("Nein, jetzt nicht", Decision.DECLINED),
        ("जी नहीं", Decision.DECLINED),
        ("Who is it?", None),
        ("oui, d'accord", Decision.ACCEPTED),
        ("sì, volentieri", Decision.ACCEPTED),
        ("ja, prima", Decision.ACCEPTED),
        ("sim, pode passar", Decision.ACCEPTED),
        ("non, pas maintenant", Decision.DECLINED),
        ("mi dispiace, sono occupata", Decision.DECLINED),
        ("ja, maar nu niet", Decision.DECLINED),
        ("agora não", Decision.DECLINED),
        ("one moment", None),
        ("I am not sure but yes I think that the others in the office could take this call", None),
    ],
)
def test_words_decide_only_when_they_are_clear(text: str, decision: Decision | None) -> None:
    assert decision_by_words(text) is decision


def test_keys_decide() -> None:
    keys = {key: decision_by_key(key) for key in "123*"}
    assert keys == {"1": Decision.ACCEPTED, "2": Decision.DECLINED, "3": None, "*": None}


def turns(*texts: str) -> CallProjection:
    """A call in which the caller and the agent say these in turn."""
    projection = CallProjection(context=CallContext(workflow={"slot": "Monday", "paid": True}))
    for number, text in enumerate(texts):
        event: UserTurn | AgentTurn
        if number % 2 == 0:
            event = UserTurn(turn_id=str(number), text=text)
        else:
            event = AgentTurn(turn_id=str(number), node="n", agent="a", text=text, heard_text=text)
        projection = projection.apply(event, AT)
    return projection


def test_a_brief_says_who_calls_what_they_want_what_is_settled_and_their_last_words() -> None:
    long = "I would like to move the appointment of my son because he is ill and cannot come today"
    projection = turns(long, "To when?", "To Monday.")
    assert default_brief(projection, "+12025550102", "en-US") == (
        "A call from 12 02 55 50 10 2. They want: I would like to move the appointment of my son "
        "because he is ill …. Settled: slot Monday; paid true. Last words: To Monday."
    )
    named = replace(projection, context=replace(projection.context, user={"name": "Kim"}))
    assert default_brief(named, None, "de").startswith("Ein Anruf von Kim. Anliegen: ")
    assert default_brief(CallProjection(), None, "fr-CA") == "Appel reçu : un numéro inconnu."
    assert default_brief(CallProjection(), None, "fi") == "A call from an unknown number."


def test_what_colleagues_and_callers_on_hold_hear_is_in_the_same_languages() -> None:
    assert set(QUESTIONS) == set(TEXTS) == set(UNKNOWN_CALLERS) == set(HOLD_TEXTS)


def test_the_log_says_how_far_a_transfer_is_and_the_model_reads_why_it_failed() -> None:
    started = TransferStarted(
        transfer_id="t",
        mode=TransferMode.WARM,
        requested_by=TransferVia.TOOL,
        node="n",
        number=NUMBER,
        trunk="desk",
        ringing_seconds=30,
    )
    projection = CallProjection().apply(started, AT)
    assert projection.transfer is not None
    assert (projection.transfer.is_open, projection.is_bridged) == (True, False)
    for phase in (TransferPhase.ANSWERED, TransferPhase.ACCEPTED):
        projection = projection.apply(TransferAdvanced(transfer_id="t", phase=phase), AT)
        assert projection.transfer is not None
        assert projection.transfer.is_open
    bridged = projection.apply(TransferAdvanced(transfer_id="t", phase=TransferPhase.BRIDGED), AT)
    assert bridged.is_bridged
    failed = projection.apply(TransferFailed(transfer_id="t", failure=F.HUNG_UP), AT)
    assert failed.transfer is not None
    assert (failed.transfer.is_open, failed.is_bridged) == (False, False)
    [note] = failed.visible_items
    assert isinstance(note, SystemNote)
    assert EXPLANATIONS[F.HUNG_UP] in note.text


def test_every_failure_is_explained_and_every_end_of_a_dial_is_a_failure() -> None:
    assert set(EXPLANATIONS) == set(TransferFailure)
    assert EndReason.BUSY in FAILURE_OF_DIAL


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (DialError(code="resource_exhausted", message="", sip_status=486), F.BUSY),
        (DialError(code="permission_denied", message="", sip_status=603), F.DECLINED),
        (DialError(code="unavailable", message=""), F.UNAVAILABLE),
        (DialError(code="unknown", message=""), F.UNKNOWN),
        (DialError(code="canceled", message=""), F.UNREACHABLE),
        (DialError(code="failed_precondition", message="required auth"), F.TRUNK_FAILED),
    ],
)
def test_a_failed_dial_is_explained(error: DialError, failure: TransferFailure) -> None:
    assert failure_of_dial(error, LegFacts()) is failure


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (DialError(code="permission_denied", message="", sip_status=403), F.REFUSED),
        (DialError(code="invalid_argument", message="", sip_status=405), F.REFUSED),
        (DialError(code="permission_denied", message="", sip_status=603), F.DECLINED),
        (DialError(code="resource_exhausted", message="", sip_status=486), F.BUSY),
        (DialError(code="failed_precondition", message="", sip_status=503), F.TRUNK_FAILED),
        (DialError(code="deadline_exceeded", message=""), F.UNKNOWN),
        (DialError(code="failed_precondition", message=""), F.CALLER_LEFT),
        (DialError(code="unavailable", message=""), F.UNAVAILABLE),
        (DialError(code="canceled", message="context deadline exceeded"), F.UNKNOWN),
    ],
)
def test_a_refused_referral_is_explained(error: DialError, failure: TransferFailure) -> None:
    assert failure_of_refer(error) is failure


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ringing_seconds": 4}, "ringingSeconds"),
        ({"ringing_seconds": 76}, "ringingSeconds"),
        ({"extension": "12a"}, "extension"),
        ({"extension": ""}, "extension"),
        ({"mode": TransferMode.COLD, "extension": "12"}, "extension"),
        ({"mode": TransferMode.COLD, "brief": "Kim calls."}, "brief"),
        ({"brief": " "}, "brief"),
        ({"announcement": "x" * 1_001}, "announcement"),
        ({"trunk": "No Such Name"}, "trunk"),
    ],
)
def test_a_transfer_that_is_not_possible_is_reported_at_its_field(
    fields: dict[str, Any], field: str
) -> None:
    assert paths(transfer_problems(replace(WARM, **fields), ())) == [(field,)]
    assert paths(transfer_problems(WARM, ())) == []


def paths(problems: Problems) -> list[tuple[str, ...] | None]:
    return [problem.path for problem in problems]


def test_a_node_transfers_only_with_a_target_and_has_one_only_to_transfer() -> None:
    def with_node(**fields: Any) -> list[tuple[str, ...] | None]:
        node = Node(id="booking", agent="booking", is_exit=True, **fields)
        return paths(workflow_problems(replace(CLINIC, nodes=(CLINIC.nodes[0], node))))

    here = ("nodes", "1", "transfer")
    assert with_node(on_entry=EntryAction.TRANSFER_CALL) == [here]
    assert with_node(transfer=WARM) == [here]
    assert with_node(on_entry=EntryAction.TRANSFER_CALL, transfer=WARM) == []


def test_a_snapshot_with_a_transfer_by_number_alone_keeps_its_checksum() -> None:
    plain = TransferCall(number=NUMBER)
    nested = Conditional(condition="flags.x", then=(plain, replace(plain, mode=TransferMode.WARM)))
    tool = replace(BOOK, actions=(plain, nested))
    agents = {agent.name: agent for agent in (RECEPTION, BOOKING)}
    snapshot = build_snapshot(check_workflow(CLINIC), agents, {tool.name: tool})
    stored, _ = snapshot_to_json(snapshot)
    actions = stored["tools"][tool.name]["actions"]
    only_number = {"number": NUMBER, "type": "transfer_call"}
    assert actions[0] == only_number
    assert actions[1]["then"] == [only_number, {**only_number, "mode": "WARM"}]
    assert all("transfer" not in node for node in stored["workflow"]["nodes"])
    assert snapshot_from_json(stored) == snapshot
