"""What came of suites of simulations: for people, for programs, and as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TextIO
from xml.etree import ElementTree as xml

from worker.simulation.judges import Judgment
from worker.simulation.runner import Played


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case that was played. A judge that says fail, or cannot say, fails it too."""

    file: str
    suite: str
    played: Played
    judgments: tuple[Judgment, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.complaints

    @property
    def complaints(self) -> list[str]:
        return [*self._unmet, *self._judged]

    @property
    def _unmet(self) -> Iterator[str]:
        for problem in self.played.problems:
            said = f" {problem.say!r}" if problem.say else ""
            yield f"step {problem.step}{said}: {problem.message}"

    @property
    def _judged(self) -> Iterator[str]:
        for each in self.judgments:
            if each.verdict in ("fail", "error"):
                yield f"judge {each.judge}: {each.reasoning}"


class Told:
    """Tells of results as they come."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._suite = ""
        tty = stream.isatty()
        self._good, self._bad, self._plain = (
            ("\033[32m", "\033[31m", "\033[0m") if tty else [""] * 3
        )

    def show(self, result: Result) -> None:
        if result.suite != self._suite:
            self._suite = result.suite
            self._say(f"{result.suite}  ({result.file})")
        mark = f"{self._good}✓{self._plain}" if result.ok else f"{self._bad}✗{self._plain}"
        self._say(f"  {mark} {result.played.case.name}")
        for complaint in result.complaints:
            self._say(f"      {complaint}")

    def sum(self, results: Sequence[Result], seconds: float) -> None:
        failed = sum(not result.ok for result in results)
        turns = sum(len(result.played.case.steps) for result in results)
        verdict = f"{failed} failed" if failed else "all went as expected"
        self._say(f"{len(results)} cases, {turns} steps: {verdict} ({seconds:.1f} s)")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def as_json(results: Sequence[Result]) -> dict[str, Any]:
    """Without times: the same for runs that went the same."""
    return {
        "ok": all(result.ok for result in results),
        "cases": [
            {
                "suite": result.suite,
                "name": result.played.case.name,
                "ok": result.ok,
                "complaints": result.complaints,
                "judgments": [
                    {"judge": j.judge, "verdict": j.verdict, "reasoning": j.reasoning}
                    for j in result.judgments
                ],
                "events": list(result.played.events),
            }
            for result in results
        ],
    }


def as_junit(results: Sequence[Result]) -> str:
    """The form that CI servers read."""
    root = xml.Element("testsuites")
    for (name, file), group in groupby(results, key=lambda r: (r.suite, r.file)):
        mine = list(group)
        suite = xml.SubElement(root, "testsuite", name=name, file=file, tests=str(len(mine)))
        suite.set("failures", str(sum(not result.ok for result in mine)))
        suite.set("time", f"{sum(result.seconds for result in mine):.3f}")
        for result in mine:
            case = xml.SubElement(
                suite,
                "testcase",
                name=result.played.case.name,
                classname=name,
                time=f"{result.seconds:.3f}",
            )
            if not result.ok:
                failure = xml.SubElement(case, "failure", message=_clean(result.complaints[0]))
                failure.text = _clean("\n".join(result.complaints))
    xml.indent(root)
    return xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold (XML 1.0, 2.2)."""
    return "".join(c for c in text if c in "\t\n\r" or c >= " " and not "\ud800" <= c <= "\udfff")
