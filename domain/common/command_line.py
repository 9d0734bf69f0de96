"""Command lines: the error for invalid arguments, tables, and a parser that suggests what a mistyped word may
have been meant to be."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import NoReturn

from domain.common.errors import DomainError, InvalidInput

MISTYPED = re.compile(r"(?:invalid choice: '|unrecognized arguments: )([^'\s=]+)")

EXIT_INVALID_ARGUMENTS = 2
"""The exit code when an argument is invalid; nothing has been changed."""


class InvalidArguments(DomainError):
    """All problems with the arguments, one sentence per line."""

    code = InvalidInput.code

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


class CommandLine(argparse.ArgumentParser):
    def parse(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """Like `parse_args`, but an unknown option is reported with the usage of its command."""
        parsed, unknown = self.parse_known_args(arguments)
        if unknown:
            command = self._commands().get(getattr(parsed, "command", ""), self)
            command.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed

    def error(self, message: str) -> NoReturn:
        mistyped = MISTYPED.search(message)
        super().error(message + (suggestion(mistyped[1], self._words()) if mistyped else ""))

    def _words(self) -> Iterator[str]:
        yield from self._commands()
        for action in self._actions:
            yield from action.option_strings

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        found: dict[str, argparse.ArgumentParser] = {}
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found.update(action.choices)
        return found


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with aligned columns. The first row names the columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def messages(problems: Iterable[DomainError]) -> list[str]:
    return [problem.message for problem in problems]


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a sentence with the known word that is most similar; empty if none is."""
    return "".join(f"; did you mean {match}?" for match in get_close_matches(word, list(known), 1))
