"""Who answered: decides about every greeting of the corpus, in simulated time and without a model.

With espeak-ng the greetings are spoken, sent through G.711 with noise, and their tones are detected in
the audio; otherwise the lengths are estimated and the tones are given. `--part tuned`, `--part
held_out` or `--part unseen` limits the corpus, and `--list` shows the greetings about which the
decision was wrong."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.harness.answering.corpus import Greeting, read_greetings
from bench.harness.answering.simulation import Conditions, Outcome, Simulation, decisive_moment
from bench.harness.answering.sounds import Samples, over_the_phone, silence, to_pcm, with_noise
from bench.harness.answering.voices import HeardGreeting, espeak, hear_greeting
from bench.harness.benchmark import Figure, percentile, report
from domain.telephony.answering.detection import Action
from domain.telephony.answering.hearing import Tone, ToneKind
from domain.workflows.answering import (
    AnsweringParty,
    AnsweringSettings,
    IvrAction,
    ScreenerAction,
    VoicemailAction,
)
from worker.audio.tones import ToneDetector

PARTS = ("tuned", "held_out", "unseen")
NOISE_DECIBELS = (None, 15.0, 8.0)
WORD_ERRORS = 0.15
HANGS_UP = AnsweringSettings(
    voicemail=VoicemailAction.HANG_UP,
    screener=ScreenerAction.HANG_UP,
    ivr=IvrAction.HANG_UP,
    ask_model=False,
)
"""The settings that are the most dangerous for persons."""
LEAVES_MESSAGES = replace(
    HANGS_UP,
    voicemail=VoicemailAction.LEAVE_MESSAGE,
    message="message",
    screener=ScreenerAction.ANSWER,
    introduction="introduction",
)
CONDITIONS = {
    "words exact": Conditions(),
    "15 % word errors": Conditions(word_errors=WORD_ERRORS),
    "no interim words": Conditions(interim=False),
}
SILENT_PERSONS = Conditions(persons_answer=False)
SETTLED_SILENCE = 1.0
KINDS = {"beep": ToneKind.BEEP, "sit": ToneKind.SIT, "fax": ToneKind.FAX, "busy": ToneKind.BUSY}
_P = AnsweringParty
COLUMNS = (
    _P.PERSON,
    _P.UNSURE,
    _P.VOICEMAIL,
    _P.SCREENER,
    _P.IVR,
    _P.NO_MESSAGE,
    _P.UNREACHABLE,
    _P.FAX,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One greeting under one condition, and what was decided."""

    greeting: Greeting
    heard: HeardGreeting
    condition: str
    outcome: Outcome

    @property
    def is_person(self) -> bool:
        return self.greeting.who is _P.PERSON


Sounds = Sequence[tuple[HeardGreeting, tuple[Tone, ...]]]


def all_sounds(part: str) -> Sounds:
    """Every greeting with each noise, and the tones that are heard in it."""
    program = espeak()
    greetings = [hear_greeting(greeting, program) for greeting in read_greetings(part)]
    noises = NOISE_DECIBELS if program else (None,)
    return [(heard, heard_tones(heard, noise)) for heard in greetings for noise in noises]


def all_runs(sounds: Sounds, settings: AnsweringSettings) -> Iterator[Run]:
    for heard, tones in sounds:
        for name, conditions in CONDITIONS.items():
            outcome = Simulation(heard, tones, settings, conditions).run()
            yield Run(heard.greeting, heard, name, outcome)


def heard_tones(heard: HeardGreeting, noise: float | None) -> tuple[Tone, ...]:
    """The tones that the detector finds in the audio; the ones of the text if there is no audio."""
    if heard.samples is None:
        return tuple(Tone(kind=KINDS[p.sound], started_at=a, ended_at=b) for p, a, b in heard.plays)
    samples = over_the_phone(_long(heard, noise))
    return tuple(ToneDetector(8_000).add(to_pcm(samples)))


def _long(heard: HeardGreeting, noise: float | None) -> Samples:
    assert heard.samples is not None
    samples = np.concatenate((heard.samples, silence(SETTLED_SILENCE)))
    seed = int.from_bytes(hashlib.sha256(heard.greeting.id.encode()).digest()[:4])
    return samples if noise is None else with_noise(samples, noise, seed)


# ---- the report ----------------------------------------------------------------------------


def confusion(runs: Iterable[Run]) -> dict[AnsweringParty, Counter[AnsweringParty]]:
    """How often the decision was each party, by who really answered."""
    table: dict[AnsweringParty, Counter[AnsweringParty]] = {}
    for run in runs:
        table.setdefault(run.greeting.who, Counter())[run.outcome.party] += 1
    return table


def print_confusion(title: str, runs: Sequence[Run]) -> None:
    table = confusion(runs)
    print(f"\n{title}\n")
    print(f"| who answered | runs | {' | '.join(c.lower() for c in COLUMNS)} | hung up on |")
    print(f"|---|---|{'---|' * len(COLUMNS)}---|")
    for who in COLUMNS:
        if who not in table:
            continue
        cells = " | ".join(str(table[who][column] or "") for column in COLUMNS)
        hung_up = sum(run.outcome.is_hung_up for run in runs if run.greeting.who is who)
        print(f"| {who.lower()} | {table[who].total()} | {cells} | {hung_up} |")


def person_delays(runs: Iterable[Run]) -> list[float]:
    """From the end of a person's first words to the decision to speak to them."""
    delays = []
    for run in runs:
        greeted_at = run.outcome.first(Action.GREET)
        ends = [s.end for s in run.heard.spoken if greeted_at is not None and s.end <= greeted_at]
        if run.is_person and greeted_at is not None and ends:
            delays.append(greeted_at - ends[-1])
    return delays


def machine_delays(runs: Iterable[Run]) -> list[float]:
    """From the end of the words that give a machine away to the decision."""
    delays = []
    for run in runs:
        for at, verdict in run.outcome.verdicts:
            moment = decisive_moment(run.heard, verdict)
            if not run.is_person and moment is not None:
                delays.append(max(0.0, at - moment))
                break
    return delays


def silent_persons_hung_up_on(sounds: Sounds) -> int:
    """Persons who say nothing to our greeting for seconds, after what sounds like a machine."""
    persons = [each for each in sounds if each[0].greeting.who is _P.PERSON]
    outcomes = (Simulation(*each, HANGS_UP, SILENT_PERSONS).run() for each in persons)
    return sum(outcome.is_hung_up for outcome in outcomes)


def print_report(part: str, is_listed: bool) -> None:
    sounds = all_sounds(part)
    runs = list(all_runs(sounds, HANGS_UP))
    messages = list(all_runs(sounds, LEAVES_MESSAGES))
    for name in CONDITIONS:
        print_confusion(f"{part}: {name}", [run for run in runs if run.condition == name])
    delays = person_delays(runs) or [0.0]
    exact = [run for run in runs if run.condition == "words exact"]
    machine_times = machine_delays(exact) or [0.0]
    machines = [run for run in exact if not run.is_person]
    found = [run for run in machines if run.outcome.party is run.greeting.who]
    report(
        "\nwho answered",
        [
            Figure("greetings", float(len({run.greeting.id for run in runs}))),
            Figure("runs", float(len(runs) + len(messages))),
            Figure("persons_hung_up_on", float(_persons_hung_up_on(runs + messages)), "0"),
            Figure("silent_persons_hung_up_on", float(silent_persons_hung_up_on(sounds))),
            Figure("machines_recognized", len(found) / max(1, len(machines))),
            Figure("greet_p50_s", percentile(delays, 0.5), "<= 0.75"),
            Figure("greet_p90_s", percentile(delays, 0.9), "<= 1.25"),
            Figure("machine_p50_s", percentile(machine_times, 0.5), "<= 0.7"),
            Figure("machine_p90_s", percentile(machine_times, 0.9)),
        ],
    )
    if is_listed:
        mistaken = Counter(
            (run.greeting.id, run.condition, run.outcome.party)
            for run in runs
            if run.outcome.party is not run.greeting.who
        )
        for (id, condition, party), count in mistaken.items():
            print(f"{id} ({condition}): {count} × {party}")


def _persons_hung_up_on(runs: Iterable[Run]) -> int:
    return sum(run.is_person and run.outcome.is_hung_up for run in runs)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="studio bench answering", description=__doc__)
    parser.add_argument("--part", choices=PARTS, help="the part of the corpus (default: each)")
    parser.add_argument("--list", action="store_true", help="list what was mistaken")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, too")
    options = parser.parse_args(arguments)
    voice = "spoken by espeak-ng, over G.711" if espeak() else "not spoken: espeak-ng is missing"
    print(f"greetings {voice}")
    for part in (options.part,) if options.part else PARTS:
        print_report(part, options.list)


if __name__ == "__main__":
    main(sys.argv[1:])
