"""Names, templates, conditions and values of older configs, in the words of today.

Nothing is lost in silence: what is changed or dropped is noted, with the place it stood at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.bundles.import_report import ImportNote, NoteKind
from domain.bundles.legacy.text import PLACEHOLDER, shorten, without_stray_braces
from domain.common.errors import InvalidInput, Path
from domain.templating.lexer import is_path
from domain.templating.validation import READABLE_NAMESPACES, check_condition, check_template
from domain.tools.http_validation import ACTION_NAMESPACES

TEMPLATE_NAMESPACES = READABLE_NAMESPACES | {"response"}
LEGACY_NAMESPACES = frozenset({"agents", "temp", "now"})
MAX_NAME_LENGTH = 63
MAX_CONDITION_LENGTH = 2_000

_OPERATORS = {"===": "==", "!==": "!=", "&&": " and ", "||": " or ", "!": "not "}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "empty", "true", "false", "null", "none"})
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|===|!==|&&|\|\||!(?!=)|[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)


@dataclass(slots=True)
class Converter:
    """Keeps the notes, and what is known of the whole config while its parts are converted."""

    shared_keys: frozenset[str] = frozenset()
    """Keys of any workflow's shared context."""
    endpoints: Mapping[str, Any] = field(default_factory=dict)
    api_defaults: Mapping[str, Any] = field(default_factory=dict)
    """What held for every request: timeout and retry_count."""
    node_by_agent: Mapping[str, str] = field(default_factory=dict)
    """The node that an agent holds, where it holds only one."""
    notes: list[ImportNote] = field(default_factory=list)

    def converted(self, path: Path, message: str) -> None:
        self.notes.append(ImportNote(path=path, kind=NoteKind.CONVERTED, message=message))

    def dropped(self, path: Path, message: str) -> None:
        self.notes.append(ImportNote(path=path, kind=NoteKind.DROPPED, message=message))

    def item(self, value: Any, path: Path) -> Item:
        if not isinstance(value, dict):
            if value is not None:
                self.dropped(path, f"An object belongs here, not {shorten(value)}.")
            value = {}
        return Item(value, path, self)

    def items(self, value: Any, path: Path) -> list[Item]:
        listed = self.as_list(value, path)
        return [self.item(each, (*path, str(place))) for place, each in enumerate(listed)]

    def as_list(self, value: Any, path: Path) -> list[Any]:
        if isinstance(value, list):
            return value
        if value is not None:
            self.dropped(path, f"A list belongs here, not {shorten(value)}.")
        return []

    # ---- names ------------------------------------------------------------------------------

    def agent_name(self, value: Any, path: Path) -> str:
        return self._name(value, path, "-")

    def identifier(self, value: Any, path: Path) -> str:
        return self._name(value, path, "_")

    def _name(self, value: Any, path: Path, joint: str) -> str:
        given = "" if value is None else str(value)[:1_000]
        split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", joint, given.strip())
        name = re.sub(r"[^a-z0-9]+", joint, split.lower()).strip(joint)
        if not name[:1].isalpha():
            name = f"x{joint}{name}".rstrip(joint)
        name = name[:MAX_NAME_LENGTH].rstrip(joint)
        if name != value:
            self.converted(path, f"The name {shorten(value)} is now {name}.")
        return name

    # ---- paths ------------------------------------------------------------------------------

    def readable(self, given: str, path: Path) -> str:
        """A path that templates and conditions may read."""
        made = self._current_path(given)
        if made != given:
            self.converted(path, f"{given} is now {made}.")
        return made

    def writable(self, given: Any, path: Path) -> str | None:
        """A path that tools may write; None when there is none."""
        text = str(given or "").strip()
        where = text.removesuffix("[+]")
        tail = text[len(where) :]
        bare = PLACEHOLDER.fullmatch(where)
        where = bare[1].strip() if bare else where
        space, _, rest = where.partition(".")
        if space in ("user", "params", "tenant", "call", "history") and rest:
            made = f"workflow.{space}_{rest.replace('.', '_')}"
            self.converted(path, f"{space} is read-only in a call, so {text} is now {made}{tail}.")
        else:
            made = self._current_path(where, written=True)
            if made != where or bare:
                self.converted(path, f"{text} is now {made}{tail}.")
        return f"{made}{tail}" if is_path(made) and "." in made else None

    def _current_path(self, given: str, *, written: bool = False) -> str:
        space, _, rest = given.partition(".")
        if space in TEMPLATE_NAMESPACES:
            return given
        if given == "now":
            return "call.started_at"
        if space == "temp":
            return f"workflow.temp_{rest.replace('.', '_')}"
        if space == "agents":
            return f"agent.{rest.partition('.')[2] or rest}"
        return self._add_namespace(given, written)

    def _add_namespace(self, given: str, written: bool) -> str:
        """Of a flat name, as configs had them before there were namespaces."""
        if written or given.partition(".")[0] in self.shared_keys:
            return f"workflow.{given}"
        for space in ("user", "workflow", "flags", "call"):
            if given.startswith(f"{space}_") and len(given) > len(space) + 1:
                return f"{space}.{given[len(space) + 1 :]}"
        return f"user.{given}"

    # ---- texts ------------------------------------------------------------------------------

    def template(self, value: Any, path: Path, readable: frozenset[str] = ACTION_NAMESPACES) -> Any:
        """Of every string in `value`: slots in today's words; what cannot be read is taken out."""
        if isinstance(value, dict):
            return {k: self.template(v, (*path, str(k)), readable) for k, v in value.items()}
        if isinstance(value, list):
            return [self.template(v, (*path, str(n)), readable) for n, v in enumerate(value)]
        if not isinstance(value, str):
            return value
        made = PLACEHOLDER.sub(lambda slot: self._slot(slot[1].strip(), path, readable), value)
        try:
            check_template(made, path, TEMPLATE_NAMESPACES | {"secret"})
        except InvalidInput as problem:
            self.dropped(path, f"Braces that are no slot were taken out: {problem.message}")
            made = without_stray_braces(made)
        return made

    def _slot(self, inside: str, path: Path, readable: frozenset[str]) -> str:
        head, bar, filters = inside.partition("|")
        if is_path(head.strip()):
            inside = f"{self.readable(head.strip(), path)}{f' |{filters}' if bar else ''}"
        slot = f"{{{{{inside}}}}}"
        try:
            check_template(slot, path, readable)
        except InvalidInput as problem:
            self.dropped(path, f"{slot[:80]} was taken out: {problem.message}")
            return ""
        return slot

    def value(self, given: Any, path: Path) -> Any:
        """A value of a step: a bare reference is a slot, which keeps its type."""
        if isinstance(given, dict):
            return {k: self.value(v, (*path, str(k))) for k, v in given.items()}
        if isinstance(given, list):
            return [self.value(v, (*path, str(n))) for n, v in enumerate(given)]
        if isinstance(given, str) and self._is_reference(given.strip()):
            slot = f"{{{{{self._current_path(given.strip())}}}}}"
            self.converted(path, f"The reference {given} is now {slot}.")
            return slot
        return self.template(given, path)

    @staticmethod
    def _is_reference(text: str) -> bool:
        space, dot, _ = text.partition(".")
        known = space in TEMPLATE_NAMESPACES | LEGACY_NAMESPACES and (
            dot or text in ("params", "response")
        )
        return bool(known) and is_path(text)

    def condition(
        self, given: Any, path: Path, readable: frozenset[str] = READABLE_NAMESPACES
    ) -> str | None:
        """A bare path, a template or an expression; None when it cannot be read."""
        if given is None or given == "":
            return None
        text = str(given).lower() if isinstance(given, bool) else str(given)
        if len(text) > MAX_CONDITION_LENGTH:
            self.dropped(path, "The condition is too long.")
            return None
        made = self._in_expression(PLACEHOLDER.sub(lambda slot: slot[1].strip(), text).strip())
        try:
            check_condition(made, path, readable)
        except InvalidInput as problem:
            self.dropped(path, f"The condition {text[:200]!r} cannot be read: {problem.message}")
            return None
        if made != given:
            self.converted(path, f"The condition {text[:200]} is now {made}.")
        return made

    def _in_expression(self, text: str) -> str:
        """Paths moved, signs as words; texts in quotes and words of the language left alone."""

        def move(found: re.Match[str]) -> str:
            token = found[0]
            if token in _OPERATORS:
                return _OPERATORS[token]
            return token if token[0] in "\"'" or token in _KEYWORDS else self._current_path(token)

        return re.sub(
            r" {2,}(?=(?:and|or) )|(?<= and) {2,}|(?<= or) {2,}", " ", _TOKEN.sub(move, text)
        )


class Item:
    """An object of an older config; what nobody takes out of it is noted as dropped."""

    def __init__(self, value: Mapping[str, Any], path: Path, converter: Converter) -> None:
        self._left = dict(value)
        self.path = path
        self.converter = converter

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def at(self, key: str) -> Path:
        return (*self.path, key)

    def take(self, *keys: str) -> Any:
        """The first of these that is there; the others are noted as dropped."""
        found, *rest = [key for key in keys if key in self._left] or [""]
        value = self._left.pop(found, None)
        for key in rest:
            if self._left.pop(key) != value:
                self.converter.dropped(self.at(key), f"{found} says it already.")
        return value

    def text(self, *keys: str) -> str | None:
        found = self.present_key(*keys)
        value = self.take(*keys)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.converter.dropped(self.at(found), f"Text belongs here, not {shorten(value)}.")
        return None

    def flag(self, *keys: str) -> bool | None:
        found = self.present_key(*keys)
        value = self.take(*keys)
        if value is None or isinstance(value, bool):
            return value
        self.converter.dropped(self.at(found), f"true or false belongs here, not {shorten(value)}.")
        return None

    def number(self, *keys: str, minimum: float, maximum: float) -> float | None:
        """Within what is possible today."""
        found = self.present_key(*keys)
        value = self.take(*keys)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.converter.dropped(self.at(found), f"A number belongs here, not {shorten(value)}.")
            return None
        kept = max(minimum, min(maximum, value))
        if kept != value:
            self.converter.converted(
                self.at(found), f"{value} is out of range; it is now {kept:g}."
            )
        return kept

    def present_key(self, *keys: str) -> str:
        return next((key for key in keys if key in self._left), keys[0])

    def ignore(self, *keys: str) -> None:
        """Belongs to the other system's bookkeeping; nothing is lost without it."""
        for key in keys:
            self._left.pop(key, None)

    @property
    def take_rest(self) -> dict[str, Any]:
        """All that is left, taken."""
        left, self._left = self._left, {}
        return left

    def report_unused(self) -> None:
        for key, value in self.take_rest.items():
            if value not in (None, "", [], {}):
                self.converter.dropped(
                    self.at(key), f"There is no such thing here: {shorten(value)}."
                )
