"""What a caller must say for an agent to stop: the settings, and the judgement of utterances."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.bundles.structuring import structure, unstructure
from domain.common.errors import InvalidInput
from domain.common.findings import FindingCode
from domain.verification import verify
from domain.workflows.agents import ProviderChoice, Session, check_agent
from domain.workflows.interruption_phrases import ACKNOWLEDGEMENTS, DEMANDS, SOUNDS
from domain.workflows.interruptions import (
    MAX_PHRASES,
    InterruptedBy,
    Interruption,
    InterruptionRules,
    Utterance,
    interruption_rules,
    split_words,
)
from domain.workflows.model import Snapshot
from domain.workflows.spoken_texts import DEFAULT_SPOKEN_TEXTS
from tests.support.demo_workflow import BOOK, BOOKING, CLINIC, RECEPTION

IGNORED, INTERRUPTS, AT_ONCE = Utterance
DEFAULT = Interruption()


def rules(interruption: Interruption = DEFAULT, *languages: str) -> InterruptionRules:
    return interruption_rules(interruption, frozenset(languages or ("en",)))


@pytest.mark.parametrize("language", sorted(DEFAULT_SPOKEN_TEXTS))
def test_every_language_has_acknowledgements_and_demands(language: str) -> None:
    known = rules(DEFAULT, language)
    for phrase in (*SOUNDS, *ACKNOWLEDGEMENTS[language]):
        assert known.judge(phrase, is_final=True) is IGNORED, phrase
    for phrase in DEMANDS[language]:
        assert known.judge(phrase, is_final=True) is AT_ONCE, phrase


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        ("mhm", IGNORED),
        ("Mm-hmm.", IGNORED),
        ("Mmmmmm", IGNORED),
        ("Uh-huh, okay.", IGNORED),
        ("Right, yes!", IGNORED),
        ("That’s right", IGNORED),
        ("…", IGNORED),
        ("yes but not today", INTERRUPTS),
        ("mhm what about Sunday", INTERRUPTS),
        ("Sunday", INTERRUPTS),
        ("Stop!", AT_ONCE),
        ("okay okay, wait", AT_ONCE),
    ],
)
def test_an_acknowledgement_is_ignored_and_anything_else_interrupts(
    text: str, judged: Utterance
) -> None:
    assert rules().judge(text, is_final=True) is judged


def test_words_that_may_become_an_acknowledgement_are_waited_for() -> None:
    assert rules().judge("uh", is_final=False) is IGNORED
    assert rules().judge("okay I", is_final=False) is IGNORED
    assert rules().judge("uh", is_final=True) is INTERRUPTS
    assert rules().judge("I want", is_final=False) is INTERRUPTS


def test_words_are_counted_up_to_the_minimum() -> None:
    three = rules(replace(DEFAULT, min_words=3))
    assert three.judge("on Sunday", is_final=True) is IGNORED
    assert three.judge("and on Sunday", is_final=True) is INTERRUPTS
    assert three.judge("stop", is_final=True) is AT_ONCE


def test_scripts_without_spaces_are_counted_by_character() -> None:
    assert split_words("はい、そうです。") == tuple("はいそうです")
    japanese = rules(DEFAULT, "ja-JP")
    assert japanese.judge("はいはい、なるほど", is_final=True) is IGNORED
    assert japanese.judge("はい、でも明日は", is_final=True) is INTERRUPTS


def test_signs_that_combine_with_letters_belong_to_the_word() -> None:
    assert split_words("हाँ, ठीक है।") == ("हाँ", "ठीक", "है")


def test_the_lists_of_an_agent_replace_the_built_in_ones() -> None:
    own = rules(Interruption(ignore=("Alright then",), always=("help me",), min_words=5))
    assert own.judge("alright, then", is_final=True) is IGNORED
    assert own.judge("please help me", is_final=True) is AT_ONCE
    assert own.judge("stop", is_final=True) is IGNORED
    nothing_ignored = rules(Interruption(ignore=()))
    assert nothing_ignored.judge("mhm", is_final=True) is INTERRUPTS


def test_a_phrase_of_the_agent_has_priority_over_a_built_in_one() -> None:
    assert rules(Interruption(always=("okay",))).judge("okay", is_final=True) is AT_ONCE
    assert rules(Interruption(ignore=("wait",))).judge("wait", is_final=True) is IGNORED


def test_all_languages_of_an_agent_count() -> None:
    both = rules(DEFAULT, "hi-IN", "en-IN")
    assert both.judge("हाँ okay", is_final=True) is IGNORED


@pytest.mark.parametrize(
    ("wrong", "path", "message"),
    [
        (Interruption(min_words=0), "minWords", "minWords must be between 1 and 10."),
        (Interruption(min_words=11), "minWords", "minWords must be between 1 and 10."),
        (
            Interruption(min_seconds=0.04),
            "minSeconds",
            "minSeconds must be between 0.05 and 3 seconds.",
        ),
        (
            Interruption(min_seconds=float("nan")),
            "minSeconds",
            "minSeconds must be between 0.05 and 3 seconds.",
        ),
        (
            Interruption(resume_after=0.2),
            "resumeAfter",
            "resumeAfter must be between 0.3 and 10 seconds.",
        ),
        (
            Interruption(ignore=tuple(f"word {n}" for n in range(MAX_PHRASES + 1))),
            "ignore",
            "ignore must not have more than 50 items.",
        ),
        (Interruption(ignore=("Okay", "okay!")), "ignore.1", "The same item is listed twice."),
        (Interruption(always=("!",)), "always.0", "A phrase must contain a letter or a digit."),
        (
            Interruption(ignore=("wait",), always=("Stop", "Wait!")),
            "always.1",
            "A phrase must not be in both ignore and always.",
        ),
    ],
)
def test_settings_outside_their_range_are_refused(
    wrong: Interruption, path: str, message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_agent(replace(RECEPTION, session=Session(interruption=wrong)))
    assert refused.value.path == ("session", "interruption", *path.split("."))
    assert refused.value.message == message


def test_settings_at_their_limits_are_accepted() -> None:
    for fits in (
        Interruption(min_words=10, min_seconds=0.05, resume_after=0.3),
        Interruption(min_words=1, min_seconds=3.0, resume_after=10.0),
        Interruption(resume_after=None, ignore=(), always=()),
    ):
        check_agent(replace(RECEPTION, session=Session(interruption=fits)))


def test_a_bundle_has_what_differs_from_the_defaults() -> None:
    session = Session(
        interruption=Interruption(
            by=InterruptedBy.SOUND, min_words=2, ignore=("mhm",), resume_after=None
        )
    )
    written = {
        "interruption": {"by": "SOUND", "minWords": 2, "ignore": ["mhm"], "resumeAfter": None}
    }
    assert unstructure(session) == written
    assert structure(Session, written) == session
    assert unstructure(Session()) == {}


def found(interruption: Interruption, *stt: ProviderChoice) -> list[tuple[FindingCode, str]]:
    chosen = replace(stt[0], fallbacks=stt[1:]) if stt else None
    reception = replace(RECEPTION, stt=chosen, session=Session(interruption=interruption))
    agents = {"booking": BOOKING, "reception": reception}
    snapshot = Snapshot(workflow=CLINIC, agents=agents, tools={BOOK.name: BOOK})
    return [(each.code, ".".join(each.path)) for each in verify(snapshot, None)]


NOVA = ProviderChoice(provider="deepgram", model="nova-3")
SAARAS = ProviderChoice(provider="sarvam", model="saaras:v4")


def test_counted_words_that_are_transcribed_too_late_are_reported() -> None:
    counted = Interruption(min_words=2)
    too_late = (
        FindingCode.NO_INTERIM_TRANSCRIPTS,
        "agents.reception.session.interruption.minWords",
    )
    assert found(counted, SAARAS) == [too_late]
    assert found(counted, NOVA, SAARAS) == [too_late]
    assert found(counted, NOVA) == found(counted) == found(DEFAULT, SAARAS) == []
    assert found(replace(counted, by=InterruptedBy.SOUND), SAARAS) == []


def test_settings_without_effect_are_reported() -> None:
    nothing = Interruption(by=InterruptedBy.NOTHING)
    useless = (FindingCode.USELESS_INTERRUPTION, "agents.reception.session.interruption")
    assert found(replace(nothing, always=("stop",)), NOVA) == [useless]
    assert found(replace(nothing, min_words=3), SAARAS) == [useless]
    assert found(nothing, NOVA) == []


def test_delays_that_the_stt_does_not_wait_for_are_reported() -> None:
    flux = ProviderChoice(provider="deepgram", model="flux-general-en")

    def found_delays(stt: ProviderChoice, session: Session) -> list[tuple[FindingCode, str]]:
        reception = replace(RECEPTION, stt=stt, session=session)
        agents = {"booking": BOOKING, "reception": reception}
        snapshot = Snapshot(workflow=CLINIC, agents=agents, tools={BOOK.name: BOOK})
        return [(each.code, each.path[-1]) for each in verify(snapshot, None)]

    delays = Session(min_endpointing=1.0, max_endpointing=2.0)
    useless = FindingCode.USELESS_ENDPOINTING
    assert found_delays(flux, delays) == [(useless, "minEndpointing"), (useless, "maxEndpointing")]
    assert found_delays(flux, Session()) == []
    assert found_delays(NOVA, delays) == []
    assert found_delays(replace(flux, fallbacks=(NOVA,)), delays) == []
