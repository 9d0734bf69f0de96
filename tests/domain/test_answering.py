"""Who answered an outbound phone call, and what is done about it: the rules, in simulated time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product

import pytest

from bench.answering import CONDITIONS, HANGS_UP, LEAVES_MESSAGES, heard_tones
from bench.harness.answering.corpus import Greeting, read_greetings
from bench.harness.answering.simulation import Simulation
from bench.harness.answering.voices import hear_greeting
from domain.common.errors import InvalidInput
from domain.telephony.answering.detection import (
    MAX_LISTENING_SECONDS,
    QUIET_AFTER_US_SECONDS,
    Action,
    AnswerDetection,
    Phase,
)
from domain.telephony.answering.hearing import Heard, Tone, ToneKind
from domain.telephony.answering.model_question import read_answer
from domain.telephony.answering.phrases import find_phrase
from domain.telephony.answering.verdicts import Verdict, judge
from domain.workflows.answering import (
    AnswerEvidence,
    AnsweringParty,
    AnsweringSettings,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
    answering_problems,
)

_P, _E = AnsweringParty, AnswerEvidence
TUNED, HELD_OUT = read_greetings("tuned"), read_greetings("held_out")
PERSONS = [greeting for greeting in (*TUNED, *HELD_OUT) if greeting.who is _P.PERSON]
UNSEEN_PERSONS = [each for each in read_greetings("unseen") if each.who is _P.PERSON]
TALKS = AnsweringSettings(ask_model=False)
NAVIGATES = replace(TALKS, ivr=IvrAction.NAVIGATE, goal="billing")
MAILBOX_WORDS = "You have reached the voicemail of Kim. Please leave a message after the tone."


# ---- the corpus ----------------------------------------------------------------------------


def test_the_corpus_has_a_hundred_greetings_in_four_languages_and_a_third_is_held_out() -> None:
    everything = [*TUNED, *HELD_OUT]
    assert len(everything) >= 100
    assert 3 * len(HELD_OUT) >= len(everything)
    assert len({greeting.id for greeting in everything}) == len(everything)
    assert {greeting.language for greeting in HELD_OUT} == {"en", "de", "es", "hi"}
    assert {greeting.language for greeting in TUNED} == {"en", "de", "es", "hi"}


@pytest.mark.parametrize("greeting", PERSONS, ids=lambda greeting: greeting.id)
def test_no_person_is_hung_up_on(greeting: Greeting) -> None:
    heard = hear_greeting(greeting, None)
    tones = heard_tones(heard, None)
    choices = (HANGS_UP, LEAVES_MESSAGES, TALKS, NAVIGATES)
    for settings, each, answers in product(choices, CONDITIONS.values(), (True, False)):
        conditions = replace(each, persons_answer=answers)
        outcome = Simulation(heard, tones, settings, conditions).run()
        assert not outcome.is_hung_up, (settings, conditions)
        assert outcome.first(Action.GREET) is not None


@pytest.mark.parametrize("greeting", UNSEEN_PERSONS, ids=lambda greeting: greeting.id)
def test_no_person_who_answers_us_is_hung_up_on_whatever_their_greeting_is(
    greeting: Greeting,
) -> None:
    heard = hear_greeting(greeting, None)
    tones = heard_tones(heard, None)
    for settings, conditions in product((HANGS_UP, LEAVES_MESSAGES), CONDITIONS.values()):
        assert not Simulation(heard, tones, settings, conditions).run().is_hung_up


def test_the_rules_recognize_the_machines_that_they_were_written_with() -> None:
    mistaken = Counter[str]()
    for greeting in TUNED:
        heard = hear_greeting(greeting, None)
        outcome = Simulation(heard, heard_tones(heard, None), HANGS_UP).run()
        if greeting.who is not _P.PERSON and outcome.party is not greeting.who:
            mistaken[greeting.id] += 1
    assert mistaken == Counter()


# ---- one call at a time --------------------------------------------------------------------

Report = Callable[[AnswerDetection], AnswerDetection]


def said(start: float, end: float, text: str) -> list[tuple[float, Report]]:
    """Speech with its transcript, which arrives when it is over."""
    return [
        (start, lambda detection: detection.speech(start, True)),
        (end, lambda detection: detection.speech(end, False)),
        (end, lambda detection: detection.words(end, text, True)),
    ]


def beep(start: float, end: float) -> list[tuple[float, Report]]:
    tone = Tone(kind=ToneKind.BEEP, started_at=start, ended_at=end)
    return [(end, lambda detection: detection.tone(tone))]


def ours(end: float) -> list[tuple[float, Report]]:
    """What we say is over."""
    return [(end, lambda detection: detection.spoken(end))]


def actions(
    settings: AnsweringSettings,
    *reports: list[tuple[float, Report]],
    until: float = 60.0,
) -> list[tuple[float, Action]]:
    """What is done, and when to the tenth of a second."""
    detection, done = AnswerDetection.start(settings, 0.0), []
    queue = sorted((each for part in reports for each in part), key=lambda each: each[0])
    now = 0.0
    while now <= until:
        while queue and queue[0][0] <= now:
            detection = queue.pop(0)[1](detection)
        detection, action = detection.step(now)
        if action is not None:
            done.append((round(now, 1), action))
            continue
        following = [at for at in (detection.next_check(now), *(q[0] for q in queue[:1])) if at]
        if not following:
            break
        now = min(following)
    return done


def test_a_person_who_says_hello_is_greeted_half_a_second_later() -> None:
    assert actions(TALKS, said(0.5, 0.9, "Hello?"), until=3) == [(1.4, Action.GREET)]


def test_silence_is_greeted() -> None:
    assert actions(TALKS, until=5) == [(2.5, Action.GREET)]


def test_speech_without_a_transcript_is_greeted() -> None:
    speech: list[tuple[float, Report]] = [
        (0.5, lambda detection: detection.speech(0.5, True)),
        (1.1, lambda detection: detection.speech(1.1, False)),
    ]
    assert actions(TALKS, speech, until=4) == [(2.4, Action.GREET)]


def test_the_agent_speaks_to_a_party_that_does_not_stop() -> None:
    endless: list[tuple[float, Report]] = [(0.5, lambda detection: detection.speech(0.5, True))]
    assert actions(TALKS, endless, until=21) == [(20.0, Action.GREET)]


def test_words_and_a_tone_end_the_call() -> None:
    seen = actions(HANGS_UP, said(0.5, 5.0, MAILBOX_WORDS), beep(5.5, 5.9))
    assert seen == [(6.2, Action.HANG_UP)]


def test_words_alone_do_not_end_the_call_of_a_person_who_answers() -> None:
    """Even if what the person said first sounded like a mailbox."""
    seen = actions(
        HANGS_UP,
        said(0.5, 5.0, MAILBOX_WORDS),
        ours(9.0),
        said(9.8, 11.0, "no it is me"),
        said(15.0, 16.0, "what else is there"),
    )
    assert seen == [(7.0, Action.GREET), (16.0, Action.SETTLE)]


def test_words_alone_end_the_call_when_our_words_get_no_answer() -> None:
    seen = actions(HANGS_UP, said(0.5, 5.0, MAILBOX_WORDS), ours(9.0))
    assert seen == [(7.0, Action.GREET), (13.0, Action.HANG_UP)]


def test_no_call_ends_while_we_speak() -> None:
    """An announcement that the call is recorded comes before the greeting."""
    greeting: list[tuple[float, Report]] = [(9.1, lambda detection: detection.talking())]
    seen = actions(HANGS_UP, said(0.5, 5.0, MAILBOX_WORDS), ours(9.0), greeting, ours(18.0))
    assert seen == [(7.0, Action.GREET), (22.0, Action.HANG_UP)]


def test_a_tone_alone_does_not_end_the_call_of_a_person() -> None:
    seen = actions(
        HANGS_UP,
        said(0.5, 3.0, "the kettle is boiling over here sorry"),
        beep(3.2, 3.6),
        ours(7.0),
        said(7.5, 8.0, "yes"),
        said(10.0, 11.0, "please continue"),
    )
    assert [action for _, action in seen] == [Action.GREET, Action.SETTLE]


@pytest.mark.parametrize(
    ("speech_seconds", "quiet_seconds"),
    [(0.5, 5.0), (2.0, 0.1)],
    ids=["after too little speech", "before more speech"],
)
def test_a_tone_is_no_beep(speech_seconds: float, quiet_seconds: float) -> None:
    heard = Heard.nothing(0.0).speech(0.0, True).speech(speech_seconds, False)
    tone = Tone(kind=ToneKind.BEEP, started_at=3.0, ended_at=3.3)
    heard = heard.tone(tone).speech(3.3 + quiet_seconds, True)
    assert not heard.has_tone(ToneKind.BEEP, 10.0)


def test_a_beep_within_or_before_the_words_of_a_person_is_no_tone_of_a_mailbox() -> None:
    microwave = [*said(0.5, 2.5, "hang on that is the microwave"), *beep(2.5, 3.0)]
    through = [
        (0.5, lambda detection: detection.speech(0.5, True)),
        *beep(2.0, 2.5),
        (4.0, lambda detection: detection.speech(4.0, False)),
        (4.1, lambda detection: detection.words(4.1, "leave a message no wait hello", True)),
    ]
    for reports in (through, [*microwave, *said(3.8, 4.8, "there we go")]):
        detection = AnswerDetection.start(LEAVES_MESSAGES, 0.0)
        for _, report in reports:
            detection = report(detection)
        assert not detection.heard.has_tone(ToneKind.BEEP, 6.0)


def test_a_message_is_left_after_the_tone_and_ends_the_call() -> None:
    seen = actions(LEAVES_MESSAGES, said(0.5, 5.0, MAILBOX_WORDS), beep(5.5, 5.9), ours(11.0))
    assert seen == [(6.2, Action.LEAVE_MESSAGE), (11.0, Action.END_AFTER_MESSAGE)]


def test_a_message_without_a_tone_is_left_after_silence_and_an_answer_is_awaited() -> None:
    seen = actions(LEAVES_MESSAGES, said(0.5, 5.0, MAILBOX_WORDS), ours(11.0))
    assert seen == [(7.0, Action.LEAVE_MESSAGE), (15.0, Action.END_AFTER_MESSAGE)]


def test_a_message_is_said_again_when_the_tone_comes_late() -> None:
    seen = actions(
        LEAVES_MESSAGES, said(0.5, 5.0, MAILBOX_WORDS), beep(8.0, 8.4), ours(13.0), until=14
    )
    assert seen == [
        (7.0, Action.LEAVE_MESSAGE),
        (8.7, Action.LEAVE_MESSAGE),
        (13.0, Action.END_AFTER_MESSAGE),
    ]


def test_a_person_who_speaks_into_the_message_is_talked_to() -> None:
    seen = actions(
        LEAVES_MESSAGES,
        said(0.5, 5.0, MAILBOX_WORDS),
        said(8.0, 9.0, "hey it is really me"),
        until=12,
    )
    assert seen == [(7.0, Action.LEAVE_MESSAGE), (9.0, Action.GREET)]


def test_the_transcript_of_the_greeting_may_come_during_the_message() -> None:
    late: list[tuple[float, Report]] = [
        (6.5, lambda detection: detection.words(6.5, "thanks a lot", True))
    ]
    seen = actions(LEAVES_MESSAGES, said(0.5, 5.0, MAILBOX_WORDS), beep(5.5, 5.9), late, ours(11.0))
    assert [action for _, action in seen] == [Action.LEAVE_MESSAGE, Action.END_AFTER_MESSAGE]


def test_a_message_that_is_spoken_into_ends_the_call_after_silence_and_not_later_than_a_limit() -> (
    None
):
    tone = (said(0.5, 5.0, MAILBOX_WORDS), beep(5.5, 5.9))
    noise = said(7.0, 8.0, "hm")
    seen = actions(LEAVES_MESSAGES, *tone, noise, ours(11.0), until=20)
    assert [action for _, action in seen] == [Action.LEAVE_MESSAGE, Action.END_AFTER_MESSAGE]
    assert seen[-1][0] == pytest.approx(11.0 + QUIET_AFTER_US_SECONDS, abs=0.01)
    television: list[tuple[float, Report]] = [(7.0, lambda each: each.speech(7.0, True))]
    seen = actions(LEAVES_MESSAGES, *tone, television, ours(11.0), until=60)
    assert seen[-1][1] is Action.END_AFTER_MESSAGE
    assert seen[-1][0] == pytest.approx(11.0 + MAX_LISTENING_SECONDS, abs=0.01)


SCREENER_WORDS = "Please say your name and why you are calling."
ANSWERS_SCREENERS = replace(TALKS, screener=ScreenerAction.ANSWER, introduction="Ada for Kim")


def test_a_screener_is_answered_and_the_person_is_greeted() -> None:
    seen = actions(
        ANSWERS_SCREENERS,
        said(0.5, 4.0, SCREENER_WORDS),
        ours(8.0),
        said(9.0, 11.0, "Thank you, please stay on the line."),
        said(20.0, 20.6, "Hello?"),
        until=22,
    )
    assert seen == [(4.6, Action.INTRODUCE), (21.1, Action.GREET)]


def test_a_screener_that_asks_again_is_answered_again_but_not_forever() -> None:
    seen = actions(
        ANSWERS_SCREENERS,
        said(0.5, 4.0, SCREENER_WORDS),
        ours(8.0),
        said(9.0, 11.0, SCREENER_WORDS),
        ours(15.0),
        said(16.0, 18.0, SCREENER_WORDS),
        until=20,
    )
    assert [action for _, action in seen] == [Action.INTRODUCE, Action.INTRODUCE, Action.GREET]


def test_a_call_ends_when_no_person_follows_the_screener() -> None:
    seen = actions(ANSWERS_SCREENERS, said(0.5, 4.0, SCREENER_WORDS), ours(8.0))
    assert seen == [(4.6, Action.INTRODUCE), (38.0, Action.HANG_UP)]


def test_a_mailbox_behind_a_screener_gets_the_message() -> None:
    settings = replace(ANSWERS_SCREENERS, voicemail=VoicemailAction.LEAVE_MESSAGE, message="Hi")
    seen = actions(
        settings,
        said(0.5, 4.0, SCREENER_WORDS),
        ours(8.0),
        said(12.0, 16.0, MAILBOX_WORDS),
        beep(16.5, 16.9),
        ours(21.0),
    )
    assert [action for _, action in seen] == [
        Action.INTRODUCE,
        Action.LEAVE_MESSAGE,
        Action.END_AFTER_MESSAGE,
    ]


def test_a_mailbox_that_pauses_after_hello_is_found_out_while_the_agent_greets_it() -> None:
    seen = actions(
        LEAVES_MESSAGES,
        said(0.5, 0.9, "Hello"),
        said(2.0, 5.0, "I can't come to the phone, leave a message."),
        beep(5.5, 5.9),
        ours(11.0),
    )
    assert [action for _, action in seen] == [
        Action.GREET,
        Action.LEAVE_MESSAGE,
        Action.END_AFTER_MESSAGE,
    ]


def test_a_person_is_no_mailbox_in_the_middle_of_the_conversation() -> None:
    seen = actions(
        LEAVES_MESSAGES,
        said(0.5, 0.9, "Hello"),
        ours(4.0),
        said(4.5, 6.0, "he is out, leave a message with his brother"),
        said(12.0, 14.0, "I can give you the number"),
    )
    assert [action for _, action in seen] == [Action.GREET, Action.SETTLE]


def test_the_tone_of_a_line_that_is_over_does_not_decide_who_answered() -> None:
    detection = AnswerDetection.start(HANGS_UP, 0.0)
    for at, report in said(0.5, 0.9, "Hello?"):
        detection, _ = report(detection).step(at)
    detection, action = detection.step(1.4)
    assert action is Action.GREET
    busy = Tone(kind=ToneKind.BUSY, started_at=5.0, ended_at=8.0)
    detection, action = detection.tone(busy).step(8.0)
    assert (action, detection.verdict and detection.verdict.party) == (None, _P.PERSON)


def test_a_menu_is_navigated_until_another_party_speaks() -> None:
    menu = said(0.5, 4.0, "For sales, press one. For billing, press two.")
    assert actions(NAVIGATES, menu, until=30) == [(5.5, Action.NAVIGATE)]
    detection = replace(AnswerDetection.start(NAVIGATES, 0.0), phase=Phase.NAVIGATING)
    detection = detection.other_party_heard(20.0, "Billing department, how can I help you?")
    assert detection.step(20.5)[1] is Action.GREET


def test_a_fax_ends_the_call() -> None:
    tone = Tone(kind=ToneKind.FAX, started_at=1.0, ended_at=2.0)
    assert actions(TALKS, [(2.0, lambda detection: detection.tone(tone))]) == [
        (2.0, Action.HANG_UP)
    ]


def test_the_announcement_of_a_network_ends_the_call_after_its_tones() -> None:
    tone = Tone(kind=ToneKind.SIT, started_at=0.5, ended_at=1.5)
    words = said(1.8, 5.0, "The number you have dialled is not in service.")
    seen = actions(TALKS, [(1.5, lambda detection: detection.tone(tone))], words)
    assert seen == [(1.5, Action.HANG_UP)]


# ---- verdicts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("Can I take a message? He left his voicemail off.", _P.PERSON),
        ("Leave a message, or press one for more options.", _P.VOICEMAIL),
        ("Este es el buzón de voz. El buzón está lleno.", _P.NO_MESSAGE),
        ("Leave a message. Just kidding!", _P.PERSON),
        ("We are using call screening. Who's calling?", _P.SCREENER),
        ("Drücken Sie die Eins.", _P.IVR),
        ("बीप के बाद संदेश छोड़ें", _P.VOICEMAIL),
        ("Good morning", None),
        ("", None),
    ],
)
def test_the_phrase_of_the_highest_rank_decides(text: str, party: AnsweringParty | None) -> None:
    match = find_phrase(text)
    assert (match and match.party) == party


def test_a_person_outweighs_tones() -> None:
    heard = Heard.nothing(0.0).speech(0.0, True).speech(3.0, False)
    heard = heard.words(3.0, "Just a moment please, who is calling?", True)
    heard = heard.tone(Tone(kind=ToneKind.BEEP, started_at=3.2, ended_at=3.6))
    verdict = judge(heard, 5.0, 2.5)
    assert verdict == Verdict(party=_P.PERSON, evidence=(_E.WORDS,), quote="just a moment")


def test_a_long_search_for_phrases_takes_time_in_proportion_to_the_text() -> None:
    assert find_phrase("leave a " * 50_000) is None


# ---- the model -----------------------------------------------------------------------------

SAID = "Ihr freundlicher Helfer nimmt gern auf, was Sie zu sagen haben."


def test_a_long_undecided_greeting_is_put_to_the_model() -> None:
    settings = replace(HANGS_UP, ask_model=True)
    detection = AnswerDetection.start(settings, 0.0)
    for at, report in said(0.5, 4.0, SAID):
        detection, _ = report(detection).step(at)
    detection, action = detection.step(4.7)
    assert action is Action.ASK_MODEL
    assert detection.step(5.0)[1] is None
    answer = read_answer('{"who": "VOICEMAIL", "quote": "Helfer nimmt gern"}', SAID)
    detection, action = detection.model_answered(answer).step(5.2)
    assert action is None
    assert detection.verdict == Verdict(
        party=_P.VOICEMAIL, evidence=(_E.MODEL,), quote="Helfer nimmt gern"
    )
    # Its word alone ends no call.
    assert detection.step(6.1)[1] is Action.GREET


def test_without_an_answer_of_the_model_the_agent_speaks() -> None:
    detection = AnswerDetection.start(replace(HANGS_UP, ask_model=True), 0.0)
    for at, report in said(0.5, 4.0, SAID):
        detection, _ = report(detection).step(at)
    detection, _ = detection.step(4.7)
    assert detection.model_answered(None).step(6.1)[1] is Action.GREET


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "VOICEMAIL",
        '{"who": "VOICEMAIL"}',
        '{"who": "VOICEMAIL", "quote": 3}',
        '{"who": "VOICEMAIL", "quote": "leave a message after the tone"}',
        '{"who": "VOICEMAIL", "quote": "haben"}',
        '{"who": "ROBOT", "quote": "was Sie zu sagen haben"}',
        '{"who": "FAX", "quote": "was Sie zu sagen haben"}',
        "[1]",
        "{",
        '{"who": {"a": 1}}',
    ],
)
def test_an_answer_without_a_quote_of_the_greeting_is_void(answer: str) -> None:
    assert read_answer(answer, SAID) is None


def test_an_answer_is_read_out_of_what_a_model_adds() -> None:
    answer = 'Sure:\n```json\n{"who": "person", "quote": "was sie zu SAGEN haben!"}\n```'
    verdict = read_answer(answer, SAID)
    assert verdict is not None
    assert verdict.party is _P.PERSON


# ---- settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        (
            AnsweringSettings(silent_seconds=float("nan")),
            "silentSeconds",
            "silentSeconds must be between 0.5 and 10 seconds.",
        ),
        (
            AnsweringSettings(tone_seconds=61),
            "toneSeconds",
            "toneSeconds must be between 2 and 60 seconds.",
        ),
        (
            AnsweringSettings(screening_seconds=1),
            "screeningSeconds",
            "screeningSeconds must be between 5 and 120 seconds.",
        ),
        (AnsweringSettings(message=" "), "message", "message must not be empty."),
        (
            AnsweringSettings(introduction="x" * 1_001),
            "introduction",
            "introduction is 1001 characters long; 1000 are allowed.",
        ),
    ],
)
def test_settings_outside_their_limits_are_refused(
    settings: AnsweringSettings, path: str, message: str
) -> None:
    (problem,) = answering_problems(settings, ("answering",))
    assert isinstance(problem, InvalidInput)
    assert (problem.path, str(problem)) == (("answering", path), message)


def test_texts_may_read_only_what_is_known_before_the_conversation() -> None:
    allowed = AnsweringSettings(message="{{user.name}} {{call.id}} {{tenant.settings.brand}}")
    assert list(answering_problems(allowed, ())) == []
    refused = AnsweringSettings(goal="{{workflow.reason}}")
    assert [problem.path for problem in answering_problems(refused, ())] == [("goal",)]
