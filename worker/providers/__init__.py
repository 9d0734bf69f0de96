"""The registry: how to build what the catalogue (`domain/providers.py`) names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from livekit.agents import llm

from domain.agents import ProviderChoice
from worker.providers.chain import Chain, Changed
from worker.providers.google import google_llm
from worker.providers.keys import MissingKey, ProviderKeys
from worker.providers.openai import openai_llm
from worker.providers.scripted import ScriptedLLM

Look = Callable[[], Mapping[str, Any]]
"""The context as the active node sees it."""


LLMS: Mapping[str, Callable[[ProviderChoice, ProviderKeys, Look], llm.LLM[Any]]] = {
    "scripted": lambda choice, _, look: ScriptedLLM(choice.options, look),
    "openai": lambda choice, keys, _: openai_llm(choice, keys),
    "google": lambda choice, keys, _: google_llm(choice, keys),
}


def build_llm(
    choice: ProviderChoice, keys: ProviderKeys, look: Look, changed: Changed
) -> llm.LLM[Any]:
    """The model, with its fallbacks behind it. `MissingKey` when none of them can be used."""
    built: dict[llm.LLM[Any], ProviderChoice] = {}
    missing: list[tuple[ProviderChoice, MissingKey]] = []
    for each in choice.chain:
        try:
            built[LLMS[each.provider](each, keys, look)] = each
        except MissingKey as problem:
            missing.append((each, problem))
    if not built:
        raise missing[0][1]
    for each, _ in missing:
        changed(each, False)
    if len(built) == 1:
        return next(iter(built))
    return Chain(built, changed)
