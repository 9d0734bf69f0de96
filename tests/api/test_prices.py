"""Validation of prices and budgets, and sums that are exact in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calls.events import TurnMeasured
from domain.calls.latency import percentile, summarize_latency
from domain.common.money import NANOS_PER_DOLLAR, format_usd, parse_usd
from domain.providers.catalog import provider_names
from domain.providers.model import ProviderKind
from domain.providers.prices import LIST_PRICES, Price, PriceList, check_prices
from domain.providers.usage import Usage, cost_of, merge_usage, total_cost
from domain.tenants.budgets import Budgets
from domain.tenants.settings import TenantSettings, merge_settings
from tests.api.test_costs import UPDATE, usage_of
from tests.support.api_server import Api
from tests.support.graphql_calls import mutate

pytestmark = pytest.mark.anyio

PRICE = {"kind": "LLM", "provider": "openai", "model": "m"}


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"prices": [PRICE]}, ["prices", "0"], "Set a price for at least one of"),
        (
            {"prices": [{**PRICE, "inputTokens": "1"}] * 2},
            ["prices", "1", "model"],
            "two prices",
        ),
        (
            {"prices": [{**PRICE, "provider": "acme", "inputTokens": "1"}]},
            ["prices", "0", "provider"],
            "no LLM provider 'acme'",
        ),
        (
            {"prices": [{**PRICE, "model": "", "inputTokens": "1"}]},
            ["prices", "0", "model"],
            "empty",
        ),
        (
            {"prices": [{**PRICE, "characters": "1"}]},
            ["prices", "0", "characters"],
            "priced by inputTokens",
        ),
        (
            {"prices": [{**PRICE, "kind": "VAD", "audioHour": "1"}]},
            ["prices", "0", "kind"],
            "is free",
        ),
        ({"budgets": {"concurrentCalls": -1}}, ["budgets", "concurrentCalls"], "0 or more"),
        ({"budgets": {"minutesPerMonth": -1}}, ["budgets", "minutesPerMonth"], "0 or more"),
        ({"budgets": None}, ["budgets"], "cannot be null"),
    ],
)
async def test_invalid_prices_and_budgets_change_nothing(
    api: Api, change: dict[str, Any], path: list[str], words: str
) -> None:
    refused = await mutate(api, UPDATE, expectedRevision=0, **change)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", *path])
    assert words in refused["message"]
    assert (await api.execute("{ settings { revision } }"))["data"]["settings"]["revision"] == 0


@pytest.mark.parametrize("amount", ["", "a dollar", "-1", "1e99", "NaN", "0.0000000001", 1.5])
async def test_invalid_amounts_are_refused(api: Api, amount: Any) -> None:
    given = {"expectedRevision": 0, "budgets": {"spendPerCall": amount}}
    answer = await api.execute(UPDATE, variables={"input": given})
    assert "An amount" in answer["errors"][0]["message"]
    assert (await api.execute("{ settings { revision } }"))["data"]["settings"]["revision"] == 0


COUNTS = st.integers(0, 10**9)
PARTS = st.lists(
    st.builds(
        Usage,
        kind=st.sampled_from([ProviderKind.LLM, ProviderKind.TTS]),
        provider=st.sampled_from(["openai", "cartesia"]),
        model=st.sampled_from(["a", "b"]),
        input_tokens=COUNTS,
        cached_tokens=COUNTS,
        output_tokens=COUNTS,
        characters=COUNTS,
        audio_ms=COUNTS,
        cost=st.none() | COUNTS,
    ),
    max_size=12,
)


@given(PARTS, st.randoms(use_true_random=False), st.integers(0, 12))
def test_merged_usage_does_not_depend_on_split_or_order(
    parts: list[Usage], dice: Any, cut: int
) -> None:
    whole = merge_usage(parts)
    mixed = list(parts)
    dice.shuffle(mixed)
    assert merge_usage((*merge_usage(mixed[:cut]), *merge_usage(mixed[cut:]))) == whole
    for name in ("input_tokens", "cached_tokens", "output_tokens", "characters", "audio_ms"):
        assert sum(getattr(u, name) for u in whole) == sum(getattr(u, name) for u in parts)
    cost = cost_of(whole)
    assert (cost is None) is (not parts)
    if cost is not None:
        assert cost.total == total_cost(parts) == sum(each.total for each in cost.by_provider)
        assert cost.partial is any(part.cost is None for part in parts)
        assert cost.partial is any(each.partial for each in cost.by_provider)


@given(st.integers(0, 10**15))
def test_amounts_survive_formatting_and_parsing(nanos: int) -> None:
    assert parse_usd(format_usd(nanos)) == nanos


@given(st.lists(st.floats(0.1, 10**5), min_size=1, max_size=50))
def test_percentiles_use_the_nearest_rank(values: list[float]) -> None:
    for part in (0.5, 0.95):
        found = percentile(values, part)
        assert found in values
        assert sum(value <= found for value in values if found is not None) >= part * len(values)


def test_unmeasured_turns_do_not_count() -> None:
    lost = TurnMeasured(turn_id="a", total_ms=0.0)
    assert summarize_latency([lost]) is None
    reported = summarize_latency(
        [lost, TurnMeasured(turn_id="b", total_ms=5.0, llm_first_token_ms=2.0)]
    )
    assert reported is not None
    assert (reported.turns, reported.llm_first_token_ms, reported.first_audio_ms) == (1, 2.0, None)


def test_merged_settings_keep_prices_and_budgets() -> None:
    kept = TenantSettings(budgets=Budgets(concurrent_calls=1), values={"a": 1})
    both = merge_settings(kept, TenantSettings(values={"b": 2}))
    assert (both.budgets, both.values) == (kept.budgets, {"a": 1, "b": 2})


PRICED: list[tuple[Usage, str | None]] = [
    (replace(usage_of("gpt-4.1", 10_000, None), cached_tokens=400_000), "2.20"),
    (
        Usage(kind=ProviderKind.STT, provider="deepgram", model="nova-3", audio_ms=3_600_000),
        "0.462",
    ),
    (Usage(kind=ProviderKind.TTS, provider="cartesia", model="sonic-3", characters=10**6), "39.20"),
    (Usage(kind=ProviderKind.LLM, provider="scripted", model="rules", output_tokens=9), "0.00"),
    (Usage(kind=ProviderKind.STT, provider="deepgram", model="unheard-of", audio_ms=9), None),
]


@pytest.mark.parametrize(("part", "cost"), PRICED, ids=lambda value: str(value)[:40])
def test_prices_are_per_million_units_or_per_hour(part: Usage, cost: str | None) -> None:
    found = PriceList().cost(part)
    assert (None if found is None else format_usd(found)) == cost


def test_cached_tokens_cost_like_other_input_unless_they_have_a_price() -> None:
    own = Price(kind=ProviderKind.LLM, provider="openai", model="m", input_tokens=NANOS_PER_DOLLAR)
    part = replace(usage_of("m", 10_000, None), cached_tokens=500_000)
    assert PriceList([own]).cost(part) == NANOS_PER_DOLLAR
    assert PriceList([replace(own, cached_tokens=0)]).cost(part) == NANOS_PER_DOLLAR // 2


def test_every_priced_provider_is_in_the_catalog() -> None:
    assert [
        price for price in LIST_PRICES if price.provider not in provider_names(price.kind)
    ] == []
    assert len({price.key for price in LIST_PRICES}) == len(LIST_PRICES)
    check_prices(LIST_PRICES, ("input", "prices"))
