"""Reports of simulation results: as text for people, as JSON, and as JUnit XML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TextIO
from xml.etree import ElementTree as xml

from worker.simulation.judges import Judgment
from worker.simulation.runner import CaseRun


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """The result of a case. It fails if an expectation does not hold, or if a judge returns fail or
    error."""

    file: str
    suite: str
    run: CaseRun
    judgments: tuple[Judgment, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.failures

    @property
    def failures(self) -> list[str]:
        return [*self._failed_expectations, *self._failed_judgments]

    @property
    def _failed_expectations(self) -> Iterator[str]:
        for problem in self.run.problems:
            caller_text = f" {problem.say!r}" if problem.say else ""
            yield f"step {problem.step}{caller_text}: {problem.message}"

    @property
    def _failed_judgments(self) -> Iterator[str]:
        for each in self.judgments:
            if each.verdict in ("fail", "error"):
                yield f"judge {each.judge}: {each.reasoning}"


class ResultPrinter:
    """Prints results as text, each as soon as it is known."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._suite = ""
        tty = stream.isatty()
        self._good, self._bad, self._plain = (
            ("\033[32m", "\033[31m", "\033[0m") if tty else [""] * 3
        )

    def print_result(self, result: CaseResult) -> None:
        if result.suite != self._suite:
            self._suite = result.suite
            self._print(f"{result.suite}  ({result.file})")
        mark = f"{self._good}✓{self._plain}" if result.ok else f"{self._bad}✗{self._plain}"
        self._print(f"  {mark} {result.run.case.name}")
        for failure in result.failures:
            self._print(f"      {failure}")

    def print_summary(self, results: Sequence[CaseResult], seconds: float) -> None:
        failed = sum(not result.ok for result in results)
        steps = sum(len(result.run.case.steps) for result in results)
        verdict = f"{failed} failed" if failed else "all went as expected"
        self._print(f"{len(results)} cases, {steps} steps: {verdict} ({seconds:.1f} s)")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def as_json(results: Sequence[CaseResult]) -> dict[str, Any]:
    """The results as JSON data, without times, so that equal runs give equal data."""
    return {
        "ok": all(result.ok for result in results),
        "cases": [
            {
                "suite": result.suite,
                "name": result.run.case.name,
                "ok": result.ok,
                "complaints": result.failures,
                "judgments": [
                    {"judge": j.judge, "verdict": j.verdict, "reasoning": j.reasoning}
                    for j in result.judgments
                ],
                "events": list(result.run.events),
            }
            for result in results
        ],
    }


def as_junit(results: Sequence[CaseResult]) -> str:
    """The results as JUnit XML, which CI servers read."""
    root = xml.Element("testsuites")
    for (name, file), group in groupby(results, key=lambda r: (r.suite, r.file)):
        suite_results = list(group)
        suite = xml.SubElement(
            root, "testsuite", name=name, file=file, tests=str(len(suite_results))
        )
        suite.set("failures", str(sum(not result.ok for result in suite_results)))
        suite.set("time", f"{sum(result.seconds for result in suite_results):.3f}")
        for result in suite_results:
            case = xml.SubElement(
                suite,
                "testcase",
                name=result.run.case.name,
                classname=name,
                time=f"{result.seconds:.3f}",
            )
            if not result.ok:
                failure = xml.SubElement(case, "failure", message=_clean(result.failures[0]))
                failure.text = _clean("\n".join(result.failures))
    xml.indent(root)
    return xml.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Remove the characters that XML does not allow (XML 1.0, section 2.2)."""
    return "".join(c for c in text if c in "\t\n\r" or c >= " " and not "\ud800" <= c <= "\udfff")
