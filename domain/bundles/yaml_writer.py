"""Writes YAML that is easy to compare line by line: long texts as blocks, one item after another.

PyYAML's pure-Python emitter takes a second of CPU time for 3 MB, libyaml's a thirtieth of that.
Their output differs in some cases; items for which it would differ are written by the pure-Python
emitter."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from yaml.representer import SafeRepresenter
from yaml.resolver import Resolver
from yaml.serializer import Serializer

LONG_LINE = 80
CHUNK_SECONDS = 0.05
FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,4})?")

_EMITTER: Any = getattr(getattr(yaml, "cyaml", None), "CEmitter", None)
"""None if PyYAML was built without libyaml."""
_ENDLESS = 2**31 - 1
_DOCUMENT_END = "...\n"
"""The end mark that emitters write after a text with trailing empty lines. Before the next part it
would end the document, so it is removed. A line of a text cannot match, because it is indented."""
_HEAD = re.compile("(?!yes|off|true|false|null)[a-z]{3,40}")
"""Keys that both emitters write without quotes."""
_PLAIN_KEY = re.compile(r"[ -~]{1,100}")
_WIDE = re.compile("[\U00010000-\U0010ffff]")
"""Characters outside the BMP, such as emoji: libyaml escapes them, PyYAML does not."""
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_FIRST_PRIVATE, _MAX_PRIVATE = 0xE000, 6_400


def write_yaml(value: Any) -> str:
    """The value as YAML; long texts are blocks, so that a diff shows only changed lines."""
    return "".join(yaml_parts(value))


def next_chunk(parts: Iterator[str]) -> str:
    """The text that is produced within CHUNK_SECONDS; empty at the end."""
    deadline = time.perf_counter() + CHUNK_SECONDS
    chunk: list[str] = []
    for part in parts:
        chunk.append(part)
        if time.perf_counter() >= deadline:
            break
    return "".join(chunk)


def yaml_parts(value: Any) -> Iterator[str]:
    """The YAML of a value in parts: if it is an object of lists, one part for each list item."""
    if not isinstance(value, Mapping) or not value or not all(map(_HEAD.fullmatch, value)):
        yield _dump(value)
        return
    for key, inside in value.items():
        if isinstance(inside, list) and inside:
            yield f"{key}:\n"
            yield from (_dump([item]) for item in inside)
        else:
            yield _dump({key: inside})


def _dump(value: Any) -> str:
    if _EMITTER is None or not isinstance(value, list | Mapping):
        return write_yaml_pure_python(value)
    stream = io.StringIO()
    dumper = _FastDumper(stream)
    try:
        dumper.open()
        dumper.represent(value)
        dumper.close()
    except _EmittersDiffer:
        return write_yaml_pure_python(value)
    return dumper.restore_wide(stream.getvalue().removesuffix(_DOCUMENT_END))


def write_yaml_pure_python(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_ENDLESS, indent=2
    )
    return text.removesuffix(_DOCUMENT_END)


class _EmittersDiffer(Exception):
    """The two emitters may produce different text for this value."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _FastDumper(Serializer, SafeRepresenter, Resolver):
    """PyYAML's dumper with libyaml as the emitter, the step that takes most of the time. Other
    threads can run between two events."""

    def __init__(self, stream: io.StringIO) -> None:
        Serializer.__init__(self)
        SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
        Resolver.__init__(self)
        self._wide_by_private: dict[str, str] = {}
        self._private_by_wide: dict[str, str] = {}
        self._emitter = _EMITTER(stream, allow_unicode=True, width=_ENDLESS, indent=2)

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        if not all(map(_PLAIN_KEY.fullmatch, mapping)):
            raise _EmittersDiffer
        return super().represent_mapping(tag, mapping, flow_style)

    def emit(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent) and not event.value.isascii():
            self._replace_wide(event)
        self._emitter.emit(event)

    def _replace_wide(self, event: Any) -> None:
        """Replace characters outside the BMP with private-use characters, which `restore_wide`
        converts back. Texts in double quotes are left alone: both emitters escape wide characters
        there. Raises `_EmittersDiffer` if the emitters might choose different styles."""
        text: str = event.value
        if _PRIVATE.search(text):
            raise _EmittersDiffer
        if event.style == '"' or not _WIDE.search(text):
            return
        lines = text.split("\n")
        if event.style == "|" and any(line.endswith(" ") for line in lines):
            raise _EmittersDiffer
        if event.style != "|" and (len(lines) > 1 or text != text.strip()):
            raise _EmittersDiffer
        event.value = _WIDE.sub(self._substitute, text)

    def _substitute(self, match: re.Match[str]) -> str:
        wide = match[0]
        if wide not in self._private_by_wide:
            if len(self._private_by_wide) == _MAX_PRIVATE:
                raise _EmittersDiffer
            private = chr(_FIRST_PRIVATE + len(self._private_by_wide))
            self._private_by_wide[wide] = private
            self._wide_by_private[private] = wide
        return self._private_by_wide[wide]

    def restore_wide(self, text: str) -> str:
        if not self._wide_by_private:
            return text
        return _PRIVATE.sub(lambda match: self._wide_by_private[match[0]], text)


def _represent_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=_style(text))


def _represent_float(dumper: Any, number: float) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:float", json.dumps(number))


def _style(text: str) -> str | None:
    if not all(line.isprintable() for line in text.split("\n")):
        return '"'
    long = "\n" in text or len(text) > LONG_LINE
    return "|" if long and not text[0].isspace() else None


for _each in (_Dumper, _FastDumper):
    _each.add_representer(str, _represent_text)
    _each.add_representer(float, _represent_float)
    _each.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-0123456789"))
