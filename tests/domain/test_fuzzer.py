"""The fuzzer: the first inputs of every target cause no crash, and a crash would be reported."""

from __future__ import annotations

import json
import time
from math import inf
from random import Random
from typing import Any

import pytest

from bench.fuzz import TARGETS, main
from bench.fuzzing.run import MAX_CPU_SECONDS, Target, fuzz
from domain.common.errors import InvalidInput


def test_the_first_inputs_cause_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--max-inputs", "200", "--seed", "7", "--seconds", "inf", "--json"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(figures) == list(TARGETS) == ["template", "expression", "schema", "import"]
    for name, figure in figures.items():
        assert figure["crashes"] == 0, name
        assert figure["executions"] == 200, name
        assert 0.1 < figure["accepted"] < 0.9, "what is refused at once tests little"
        assert figure["slowest_ms"] < 100, name  # at most 5 on a quiet machine
    assert code == any(figure["slowest_ms"] > MAX_CPU_SECONDS * 1000 for figure in figures.values())


def broken(run: Any) -> Target:
    return Target("broken", lambda random: random.randrange(10), run, lambda: None)


def test_a_crash_is_reported_with_its_input() -> None:
    def run(made: int) -> None:
        if made == 3:
            raise KeyError("boom")
        if made == 4:
            raise InvalidInput("No.")

    outcome = fuzz(broken(run), inf, seed=1, max_executions=1_000)
    assert not outcome.passed
    assert len(outcome.crashes) == 5
    assert "KeyError: 'boom'" in outcome.crashes[0]
    assert outcome.crashes[0].partition("\n")[0].endswith(": 3")


def test_a_reproducibly_slow_input_is_reported_and_a_pause_is_not() -> None:
    def works(made: int) -> None:
        began = time.thread_time()
        while made == 3 and time.thread_time() - began < MAX_CPU_SECONDS * 1.5:
            pass

    paused: list[int] = []

    def pauses(made: int) -> None:
        paused.append(made)
        if len(paused) == 1:
            works(3)

    outcome = fuzz(broken(works), inf, seed=1, max_executions=50)
    assert (outcome.passed, outcome.slowest_input[-3:]) == (False, ": 3")
    assert fuzz(broken(pauses), inf, seed=1, max_executions=50).passed


@pytest.mark.parametrize("name", TARGETS)
def test_an_input_can_be_reproduced(name: str) -> None:
    make = TARGETS[name].generate
    assert repr(make(Random(f"{name} 1 5"))) == repr(make(Random(f"{name} 1 5")))


def test_an_unknown_target_fails() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["elephant"])
    assert ended.value.code == 2
