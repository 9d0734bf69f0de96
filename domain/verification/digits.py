"""Findings about tools that read digits which no action has collected, or in the wrong way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

from domain.common.findings import Finding, FindingCode
from domain.templating.validation import MASKED
from domain.tools.actions import CollectDigits, Conditional, ToolAction
from domain.tools.model import ToolSpec
from domain.verification.reporting import error
from domain.verification.variable_usage import Read, tool_reads

DIGITS = "digits"
Actions = Sequence[ToolAction]


def findings(name: str, tool: ToolSpec) -> Iterator[Finding]:
    # An action may read digits in many places.
    collected = cache(partial(_collected_before, tool))
    for read in tool_reads(tool, ("tools", name)):
        if read.segments[0] in (DIGITS, MASKED) and len(read.segments) > 1:
            yield from _check(read, collected(read.path[2], int(read.path[3])))


def _check(read: Read, collected: Mapping[str, bool]) -> Iterator[Finding]:
    namespace, name = read.segments[:2]
    if name not in collected:
        yield error(
            FindingCode.UNKNOWN_DIGITS,
            read.path,
            f"No action before this one collects digits named {name!r}, so there is nothing to read.",
            "Add a collectDigits of that name before this action, or read another value.",
        )
    elif collected[name] and namespace == DIGITS:
        yield error(
            FindingCode.MASKED_DIGITS,
            read.path,
            f"The digits {name!r} are masked, so digits.{name} is always empty.",
            f"Read masked.{name} in the headers or the body of an apiCall, or do not mask the digits.",
        )
    elif not collected[name] and namespace == MASKED:
        yield error(
            FindingCode.MASKED_DIGITS,
            read.path,
            f"The digits {name!r} are not masked, so masked.{name} does not exist.",
            f"Read digits.{name}, or set masked of the collectDigits action.",
        )


def _collected_before(tool: ToolSpec, section: str, index: int) -> Mapping[str, bool]:
    """The names of the digits that may be collected when an action runs, and whether they are masked.
    Within one action, such as the branches of a conditional, the order is not examined."""
    chains: Mapping[str, tuple[Actions, Actions]] = {
        "actions": ((), tool.actions),
        "onSuccess": (tool.actions, tool.on_success),
        "onFailure": ((*tool.actions, *tool.on_success), tool.on_failure),
    }
    before, chain = chains[section]
    here = chain[index]
    own = (here,) if isinstance(here, Conditional) else ()
    return dict(_collected((*before, *chain[:index], *own)))


def _collected(actions: Actions) -> Iterator[tuple[str, bool]]:
    for action in actions:
        if isinstance(action, CollectDigits):
            yield action.name, action.masked
        elif isinstance(action, Conditional):
            yield from _collected((*action.then, *action.otherwise))
