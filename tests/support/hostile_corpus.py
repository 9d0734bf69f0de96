"""The corpus of what people should not get away with: read from tests/corpus/*.yaml."""

from __future__ import annotations

from typing import Any

import yaml

from tests.support.paths import CORPUS


class _Loader(yaml.SafeLoader):
    pass


def _times(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> str:
    """["(", 40, "1"] is forty brackets and a 1."""
    parts: list[str] = []
    for part in loader.construct_sequence(node):
        parts.append(parts.pop() * part if isinstance(part, int) else part)
    return "".join(parts)


def _repeat(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """The same `item` several `times`, or `core` wrapped in `around`, `levels` deep."""
    given = loader.construct_mapping(node, deep=True)
    if "times" in given:
        return [given["item"]] * int(given["times"])
    value = given["core"]
    for _ in range(int(given["levels"])):
        value = _wrapped(given["around"], value)
    return value


def _wrapped(around: Any, value: Any) -> Any:
    if isinstance(around, list):
        return [_wrapped(item, value) for item in around]
    if isinstance(around, dict):
        return {key: _wrapped(item, value) for key, item in around.items()}
    return value if around == "HERE" else around


_Loader.add_constructor("!times", _times)
_Loader.add_constructor("!repeat", _repeat)


def load_corpus(name: str) -> dict[str, dict[str, Any]]:
    """The cases of a file by their names."""
    found: list[dict[str, Any]] = yaml.load((CORPUS / f"{name}.yaml").read_text(), _Loader)
    cases = {case["name"]: case for case in found}
    assert len(cases) == len(found), "two cases have one name"
    return cases
