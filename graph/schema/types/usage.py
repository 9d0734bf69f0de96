"""Usage, cost and latency of calls, and the budgets of a tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry

from domain.calls.latency import Percentiles
from domain.common.money import CURRENCY
from domain.providers.model import ProviderKind
from domain.tenants.budgets import Budget
from graph.schema.scalars import Duration, Money
from graph.schema.types.durations import duration_field


@strawberry.type(description="Usage of one model of a provider, or of a trunk.")
class Usage:
    kind: ProviderKind = strawberry.field(description="Role of the provider in a call.")
    provider: str = strawberry.field(
        description="Name of the provider in the catalog, or of the trunk."
    )
    model: str = strawberry.field(
        description="Model, as agents name it; for a trunk, the country of the called number."
    )
    input_tokens: int = strawberry.field(
        description="Tokens that the model read, cached ones included."
    )
    cached_tokens: int = strawberry.field(
        description="Input tokens that the provider served from its prompt cache."
    )
    output_tokens: int = strawberry.field(description="Tokens that the model generated.")
    characters: int = strawberry.field(description="Characters of text converted to speech.")
    cost: Money | None = strawberry.field(
        description="Estimated cost; null when no price is known."
    )

    audio: Duration = duration_field(
        "audio_ms",
        "Length of the audio transcribed or synthesized, or time on the telephone.",
        unit="milliseconds",
    )

    @strawberry.field(
        description="Audio transcribed or synthesized, or time on the telephone, in seconds.",
        deprecation_reason="Use `audio`.",
    )
    def audio_seconds(self) -> float:
        usage: Any = self
        return float(usage.audio_ms / 1000)


@strawberry.type(description="Estimated cost of a call for one provider.")
class ProviderCost:
    provider: str = strawberry.field(description="Name of the provider in the catalog.")
    total: Money = strawberry.field(description="Sum of the usage that has a known price.")
    partial: bool = strawberry.field(
        description="Whether some usage has no known price and is missing from the total."
    )


@strawberry.type(description="Estimated cost of a call, according to the price lists.")
class Cost:
    total: Money = strawberry.field(description="Sum of the usage that has a known price.")
    partial: bool = strawberry.field(
        description="Whether some usage has no known price and is missing from the total."
    )
    by_provider: list[ProviderCost] = strawberry.field(
        description="The same cost, split by provider."
    )

    @strawberry.field(description="Currency of all amounts (ISO 4217): always USD.")
    def currency(self) -> str:
        return CURRENCY


@strawberry.type(description="Distribution of a latency over the turns of a call, in milliseconds.")
class Spread:
    p50: float = strawberry.field(description="Median: half of the turns were at least as fast.")
    p95: float = strawberry.field(
        description="95th percentile: 95 % of the turns were at least as fast."
    )


@strawberry.type(description="Distribution of a latency over the turns of a call.")
class DurationSpread:
    p50: Duration = duration_field(
        "p50", "Median: half of the turns were at least as fast.", unit="milliseconds"
    )
    p95: Duration = duration_field(
        "p95",
        "95th percentile: 95 % of the turns were at least as fast.",
        unit="milliseconds",
    )


def _attribute(name: str) -> Callable[[Any], Any]:
    def read(root: Any) -> Any:
        return getattr(root, name)

    return read


@strawberry.type(
    description=(
        "Response latency of a call. A value is null when nothing was measured, as in a text call for "
        "audio."
    )
)
class LatencySummary:
    turns: int = strawberry.field(description="Number of measured turns.")
    total_ms: Spread | None = strawberry.field(
        description="From the end of the caller's turn to the end of the reply.",
        deprecation_reason="Use `total`.",
    )
    total: Percentiles | None = strawberry.field(
        resolver=_attribute("total_ms"),
        graphql_type=DurationSpread | None,
        description="From the end of the caller's turn to the end of the reply.",
    )
    first_audio_ms: Spread | None = strawberry.field(
        description="From the end of the caller's speech to the first audio of the reply.",
        deprecation_reason="Use `firstAudio`.",
    )
    first_audio: Percentiles | None = strawberry.field(
        resolver=_attribute("first_audio_ms"),
        graphql_type=DurationSpread | None,
        description="From the end of the caller's speech to the first audio of the reply.",
    )
    at_ear_ms: Spread | None = strawberry.field(
        description=(
            "Estimated time until the caller hears the first audio, network and playback included."
        ),
        deprecation_reason="Use `atEar`.",
    )
    at_ear: Percentiles | None = strawberry.field(
        resolver=_attribute("at_ear_ms"),
        graphql_type=DurationSpread | None,
        description=(
            "Estimated time until the caller hears the first audio, network and playback included."
        ),
    )
    stt_ms: float | None = strawberry.field(
        description="Median time from the end of speech to its final transcript.",
        deprecation_reason="Use `stt`.",
    )
    stt: Duration | None = duration_field(
        "stt_ms",
        "Median time from the end of speech to its final transcript.",
        unit="milliseconds",
        nullable=True,
    )
    end_of_turn_ms: float | None = strawberry.field(
        description="Median time from the end of speech to the decision that the turn was over.",
        deprecation_reason="Use `endOfTurn`.",
    )
    end_of_turn: Duration | None = duration_field(
        "end_of_turn_ms",
        "Median time from the end of speech to the decision that the turn was over.",
        unit="milliseconds",
        nullable=True,
    )
    llm_first_token_ms: float | None = strawberry.field(
        description="Median time to the first token of the model.",
        deprecation_reason="Use `llmFirstToken`.",
    )
    llm_first_token: Duration | None = duration_field(
        "llm_first_token_ms",
        "Median time to the first token of the model.",
        unit="milliseconds",
        nullable=True,
    )
    tts_first_byte_ms: float | None = strawberry.field(
        description="Median time to the first audio of the TTS.",
        deprecation_reason="Use `ttsFirstByte`.",
    )
    tts_first_byte: Duration | None = duration_field(
        "tts_first_byte_ms",
        "Median time to the first audio of the TTS.",
        unit="milliseconds",
        nullable=True,
    )
    playback_ms: float | None = strawberry.field(
        description="Median time from the first TTS audio to its playback.",
        deprecation_reason="Use `playback`.",
    )
    playback: Duration | None = duration_field(
        "playback_ms",
        "Median time from the first TTS audio to its playback.",
        unit="milliseconds",
        nullable=True,
    )


@strawberry.type(
    description=(
        "Current usage of one budget or quota. Amounts are calls, minutes, dollars, objects or "
        "megabytes, depending on the budget."
    )
)
class BudgetLevel:
    budget: Budget = strawberry.field(description="The budget in question.")
    used: float = strawberry.field(description="Amount used so far, calls in progress included.")
    limit: float | None = strawberry.field(
        description="Maximum amount; null when the budget has no limit."
    )
    left: float | None = strawberry.field(
        description="Amount that is left; null when the budget has no limit."
    )
    resets_at: datetime | None = strawberry.field(
        description=(
            "When the budget resets (UTC); null when it frees up as soon as something ends or is deleted."
        )
    )
    is_near: bool = strawberry.field(
        description="Whether at least four fifths are used, as a warning before anything is refused."
    )
    is_exhausted: bool = strawberry.field(
        description="Whether the budget is used up, so that requests for more are refused."
    )
