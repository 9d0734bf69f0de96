"""Converts names, templates, conditions and values of legacy configs to their current form.

Nothing is lost silently. A change, and a dropped value that has no effect on calls, is a note; what
cannot be converted and has an effect is a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.bundles.import_report import ImportNote, NoteKind
from domain.bundles.legacy.text import PLACEHOLDER, shorten, without_stray_braces
from domain.common.errors import InvalidInput, Path
from domain.common.findings import Finding, FindingCode, Severity
from domain.templating.lexer import is_path
from domain.templating.validation import READABLE_NAMESPACES, check_condition, check_template
from domain.tools.http_validation import ACTION_NAMESPACES

TEMPLATE_NAMESPACES = READABLE_NAMESPACES | {"response"}
LEGACY_NAMESPACES = frozenset({"agents", "temp", "now"})
READ_ONLY_NAMESPACES = frozenset({"user", "params", "tenant", "call", "history"})
HINT_KEYS = frozenset(
    [
        *("label", "name", "title", "description", "comment", "comments", "note", "notes"),
        *("id", "order", "position", "color", "colour", "icon", "ui", "metadata", "meta", "tags"),
        *("version", "created_at", "updated_at", "created_by", "updated_by", "exported_at"),
    ]
)
"""Keys that only describe an item and have no effect on calls."""
MEANINGFUL_KEYS = frozenset(
    [
        *("prompt", "system", "system_prompt", "greeting", "greeting_interruptible", "variables"),
        *("llm", "stt", "tts", "vad", "provider", "model", "temperature", "voice", "voice_id"),
        *("voices", "language", "languages", "default_language", "tools", "handoffs", "session"),
        *("min_endpointing_delay", "auto_disconnect_timeout", "activation_threshold"),
        *("parameters", "actions", "on_success", "on_failure", "confirm", "condition", "rules"),
        *("message", "message_key", "endpoint", "url", "method", "body", "payload", "headers"),
        *("timeout", "retry_count", "nodes", "connections", "shared_context", "agent_name"),
        *("is_entry", "is_exit", "skip_condition", "source_id", "target_id", "context_passed"),
    ]
)
"""Keys that have an effect where they belong, so that one in another place is a mistake."""
MAX_NAME_LENGTH = 63
MAX_CONDITION_LENGTH = 2_000

_OPERATORS = {"===": "==", "!==": "!=", "&&": " and ", "||": " or ", "!": "not "}
_KEYWORDS = frozenset({"and", "or", "not", "in", "is", "empty", "true", "false", "null", "none"})
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|===|!==|&&|\|\||!(?!=)|[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)


@dataclass(slots=True)
class Converter:
    """The notes and findings, and facts about the whole config that the conversion of its parts
    needs."""

    workflow_keys: frozenset[str] = frozenset()
    """Names without a namespace that are keys of `workflow`: all workflows share them, or a tool
    writes them."""
    endpoints: Mapping[str, Any] = field(default_factory=dict)
    api_defaults: Mapping[str, float] = field(default_factory=dict)
    """Defaults for all requests: timeout and retry_count."""
    node_by_agent: Mapping[str, str] = field(default_factory=dict)
    """The node of each agent that is used by exactly one node."""
    notes: list[ImportNote] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def converted(self, path: Path, message: str) -> None:
        self.notes.append(ImportNote(path=path, kind=NoteKind.CONVERTED, message=message))

    def dropped(self, path: Path, message: str) -> None:
        self.notes.append(ImportNote(path=path, kind=NoteKind.DROPPED, message=message))

    def not_converted(self, path: Path, message: str) -> None:
        """Report something that has an effect on calls and cannot be converted."""
        self.findings.append(
            Finding(
                code=FindingCode.NOT_CONVERTED,
                severity=Severity.ERROR,
                path=path,
                message=message,
                fix="Correct it in the imported file, or remove it there if it is not needed.",
            )
        )

    def item(self, value: Any, path: Path) -> Item:
        if not isinstance(value, dict):
            if value is not None:
                self.not_converted(path, f"Expected an object, not {shorten(value)}.")
            value = {}
        return Item(value, path, self)

    def items(self, value: Any, path: Path) -> list[Item]:
        return [
            self.item(each, (*path, str(index)))
            for index, each in enumerate(self.as_list(value, path))
        ]

    def as_list(self, value: Any, path: Path) -> list[Any]:
        if isinstance(value, list):
            return value
        if value is not None:
            self.not_converted(path, f"Expected a list, not {shorten(value)}.")
        return []

    # ---- names ------------------------------------------------------------------------------

    def agent_name(self, value: Any, path: Path) -> str:
        return self._name(value, path, "-")

    def identifier(self, value: Any, path: Path) -> str:
        return self._name(value, path, "_")

    def _name(self, value: Any, path: Path, separator: str) -> str:
        if isinstance(value, dict | list | bool | None) or not str(value).strip():
            self.not_converted(path, f"Expected a name, not {shorten(value)}.")
            return f"unnamed{separator}{len(self.findings)}"
        text = str(value)[:1_000]
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", separator, text.strip())
        name = re.sub(r"[^a-z0-9]+", separator, words.lower()).strip(separator)
        if not name[:1].isalpha():
            name = f"x{separator}{name}".rstrip(separator)
        name = name[:MAX_NAME_LENGTH].rstrip(separator)
        if name != value:
            self.converted(path, f"The name {shorten(value)} is now {name}.")
        return name

    # ---- paths ------------------------------------------------------------------------------

    def readable(self, legacy_path: str, path: Path) -> str:
        """The current form of a context path that templates and conditions read."""
        current = self._current_path(legacy_path)
        if current != legacy_path:
            self.converted(path, f"The path {legacy_path} was changed to {current}.")
        return current

    def writable(self, legacy_path: Any, path: Path) -> str | None:
        """The current form of a context path that tools write; None if it is not a valid path."""
        text = str(legacy_path or "").strip()
        where = text.removesuffix("[+]")
        tail = text[len(where) :]
        placeholder = PLACEHOLDER.fullmatch(where)
        where = placeholder[1].strip() if placeholder else where
        namespace, _, rest = where.partition(".")
        if namespace in READ_ONLY_NAMESPACES and rest:
            current = f"workflow.{namespace}_{rest.replace('.', '_')}"
            self.not_converted(
                path,
                f"{namespace} is read-only in a call, so {text} cannot be written; write to "
                f"{current}{tail} instead, and read it there.",
            )
        else:
            current = self._current_path(where, written=True)
            if current != where or placeholder:
                self.converted(path, f"The path {text} was changed to {current}{tail}.")
        return f"{current}{tail}" if is_path(current) and "." in current else None

    def _current_path(self, legacy_path: str, *, written: bool = False) -> str:
        namespace, _, rest = legacy_path.partition(".")
        if namespace in TEMPLATE_NAMESPACES:
            return legacy_path
        if legacy_path == "now":
            return "call.started_at"
        if namespace == "temp":
            return f"workflow.temp_{rest.replace('.', '_')}"
        if namespace == "agents":
            return f"agent.{rest.partition('.')[2] or rest}"
        return self._add_namespace(legacy_path, written)

    def _add_namespace(self, name: str, written: bool) -> str:
        """Add a namespace to a flat name, as used by configs that are older than namespaces. A path
        whose first segment is no known name stays as it is, and is not valid."""
        if written or name.partition(".")[0] in self.workflow_keys:
            return f"workflow.{name}"
        if "." in name:
            return name
        for namespace in ("user", "workflow", "flags", "call"):
            if name.startswith(f"{namespace}_") and len(name) > len(namespace) + 1:
                return f"{namespace}.{name[len(namespace) + 1 :]}"
        return f"user.{name}"

    # ---- texts ------------------------------------------------------------------------------

    def template(self, value: Any, path: Path, readable: frozenset[str] = ACTION_NAMESPACES) -> Any:
        """Convert the placeholders in every string of `value`; invalid ones are removed."""
        if isinstance(value, dict):
            return {k: self.template(v, (*path, str(k)), readable) for k, v in value.items()}
        if isinstance(value, list):
            return [self.template(v, (*path, str(n)), readable) for n, v in enumerate(value)]
        if not isinstance(value, str):
            return value
        text = PLACEHOLDER.sub(
            lambda match: self._placeholder(match[1].strip(), path, readable), value
        )
        try:
            check_template(text, path, TEMPLATE_NAMESPACES | {"secret"})
        except InvalidInput as problem:
            self.not_converted(path, f"Braces do not form a placeholder: {problem.message}")
            text = without_stray_braces(text)
        return text

    def _placeholder(self, inside: str, path: Path, readable: frozenset[str]) -> str:
        head, bar, filters = inside.partition("|")
        if is_path(head.strip()):
            inside = f"{self.readable(head.strip(), path)}{f' |{filters}' if bar else ''}"
        placeholder = f"{{{{{inside}}}}}"
        try:
            check_template(placeholder, path, readable)
        except InvalidInput as problem:
            self.not_converted(path, f"{placeholder[:80]} is not valid: {problem.message}")
            return ""
        return placeholder

    def value(self, value: Any, path: Path) -> Any:
        """Convert a value of an action; a bare reference becomes a placeholder of its type."""
        if isinstance(value, dict):
            return {k: self.value(v, (*path, str(k))) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(v, (*path, str(n))) for n, v in enumerate(value)]
        if isinstance(value, str) and self._is_reference(value.strip()):
            placeholder = f"{{{{{self._current_path(value.strip())}}}}}"
            self.converted(path, f"The reference {value} is now {placeholder}.")
            return placeholder
        return self.template(value, path)

    @staticmethod
    def _is_reference(text: str) -> bool:
        namespace, dot, _ = text.partition(".")
        known = namespace in TEMPLATE_NAMESPACES | LEGACY_NAMESPACES and (
            dot or text in ("params", "response")
        )
        return bool(known) and is_path(text)

    def condition(
        self, value: Any, path: Path, readable: frozenset[str] = READABLE_NAMESPACES
    ) -> str | None:
        """Convert a path, a template or an expression to a condition; None if it is invalid."""
        if value is None or value == "":
            return None
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if len(text) > MAX_CONDITION_LENGTH:
            self.not_converted(
                path, f"The condition is longer than {MAX_CONDITION_LENGTH} characters."
            )
            return None
        condition = self._in_expression(
            PLACEHOLDER.sub(lambda match: match[1].strip(), text).strip()
        )
        try:
            check_condition(condition, path, readable)
        except InvalidInput as problem:
            self.not_converted(
                path, f"The condition {text[:200]!r} is not valid: {problem.message}"
            )
            return None
        if condition != value:
            self.converted(path, f"The condition {text[:200]} is now {condition}.")
        return condition

    def _in_expression(self, text: str) -> str:
        """Convert paths and operators; quoted text and keywords stay unchanged."""

        def replace_token(match: re.Match[str]) -> str:
            token = match[0]
            if token in _OPERATORS:
                return _OPERATORS[token]
            return token if token[0] in "\"'" or token in _KEYWORDS else self._current_path(token)

        return re.sub(
            r" {2,}(?=(?:and|or) )|(?<= and) {2,}|(?<= or) {2,}",
            " ",
            _TOKEN.sub(replace_token, text),
        )


class Item:
    """An object of a legacy config; values that are not taken out are noted as dropped."""

    def __init__(self, value: Mapping[str, Any], path: Path, converter: Converter) -> None:
        self._remaining = dict(value)
        self.path = path
        self.converter = converter

    def __contains__(self, key: str) -> bool:
        return key in self._remaining

    def at(self, key: str) -> Path:
        return (*self.path, key)

    def take(self, *keys: str) -> Any:
        """The value of the first key that is present; other keys must have the same value."""
        found, *rest = [key for key in keys if key in self._remaining] or [""]
        value = self._remaining.pop(found, None)
        for key in rest:
            if self._remaining.pop(key) != value:
                self.converter.not_converted(
                    self.at(key), f"The value differs from that of {found}, which means the same."
                )
        return value

    def text(self, *keys: str) -> str | None:
        found = self.present_key(*keys)
        value = self.take(*keys)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        self.converter.not_converted(self.at(found), f"Expected text, not {shorten(value)}.")
        return None

    def flag(self, *keys: str) -> bool | None:
        found = self.present_key(*keys)
        value = self.take(*keys)
        if value is None or isinstance(value, bool):
            return value
        self.converter.not_converted(
            self.at(found), f"Expected true or false, not {shorten(value)}."
        )
        return None

    def number(self, *keys: str, minimum: float, maximum: float) -> float | None:
        """A number, limited to the current range."""
        found = self.present_key(*keys)
        value = self.take(*keys)
        return None if value is None else self._limited(value, self.at(found), minimum, maximum)

    def _limited(self, value: Any, path: Path, minimum: float, maximum: float) -> float | None:
        number = _as_number(value)
        if number is None:
            self.converter.not_converted(path, f"Expected a number, not {shorten(value)}.")
            return None
        limited = max(minimum, min(maximum, number))
        if limited != number:
            self.converter.converted(path, f"{value} is out of range; it is now {limited:g}.")
        elif not isinstance(value, int | float):
            self.converter.converted(path, f"The text {value!r} is now the number {limited:g}.")
        return limited

    def present_key(self, *keys: str) -> str:
        return next((key for key in keys if key in self._remaining), keys[0])

    def ignore(self, *keys: str) -> None:
        """Drop keys without a note, because they carry no information that a bundle needs."""
        for key in keys:
            self._remaining.pop(key, None)

    def take_rest(self) -> dict[str, Any]:
        """Take all remaining values."""
        rest, self._remaining = self._remaining, {}
        return rest

    def report_unused(self) -> None:
        """Note keys that are not known. Those that have an effect elsewhere are findings."""
        self._report_unused(lambda key: key in MEANINGFUL_KEYS)

    def reject_unused(self) -> None:
        """Report keys that are not known as findings, unless they only describe the item."""
        self._report_unused(lambda key: key not in HINT_KEYS)

    def _report_unused(self, has_effect: Callable[[str], bool]) -> None:
        for key, value in self.take_rest().items():
            if value not in (None, "", [], {}):
                report = self.converter.not_converted if has_effect(key) else self.converter.dropped
                report(self.at(key), f"There is no equivalent for this value: {shorten(value)}.")


def _as_number(value: Any) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value) if "." in value else int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
