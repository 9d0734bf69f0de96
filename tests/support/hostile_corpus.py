"""Reads the corpus of hostile inputs from tests/corpus/*.yaml."""

from __future__ import annotations

from typing import Any

import yaml

from tests.support.paths import CORPUS


class CorpusLoader(yaml.SafeLoader):
    pass


def _times(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> str:
    """Expand a list such as ["(", 40, "1"], which means forty brackets and a 1."""
    parts: list[str] = []
    for part in loader.construct_sequence(node):
        parts.append(parts.pop() * part if isinstance(part, int) else part)
    return "".join(parts)


def _repeat(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """Repeat `item` several `times`, or wrap `core` in `around`, `levels` deep."""
    options = loader.construct_mapping(node, deep=True)
    if "times" in options:
        return [options["item"]] * int(options["times"])
    value = options["core"]
    for _ in range(int(options["levels"])):
        value = _wrapped(options["around"], value)
    return value


def _wrapped(around: Any, value: Any) -> Any:
    if isinstance(around, list):
        return [_wrapped(item, value) for item in around]
    if isinstance(around, dict):
        return {key: _wrapped(item, value) for key, item in around.items()}
    return value if around == "HERE" else around


CorpusLoader.add_constructor("!times", _times)
CorpusLoader.add_constructor("!repeat", _repeat)


def load_corpus(name: str) -> dict[str, dict[str, Any]]:
    """The cases of a file, by name."""
    case_list: list[dict[str, Any]] = yaml.load((CORPUS / f"{name}.yaml").read_text(), CorpusLoader)
    cases = {case["name"]: case for case in case_list}
    assert len(cases) == len(case_list), "two cases have the same name"
    return cases
