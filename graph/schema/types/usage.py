"""What calls used, what that comes to, how quick they were, and how the budgets stand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from domain.common.money import CURRENCY
from domain.providers.model import ProviderKind
from domain.tenants.budgets import Budget
from graph.schema.scalars import Money


@strawberry.type(description="What was used of one model.")
class Usage:
    kind: ProviderKind = strawberry.field(description="What it does in a call.")
    provider: str = strawberry.field(description="Its name in the catalogue.")
    model: str = strawberry.field(description="As agents name it.")
    input_tokens: int = strawberry.field(description="Tokens it read.")
    cached_tokens: int = strawberry.field(description="Of those, the ones it still knew.")
    output_tokens: int = strawberry.field(description="Tokens it wrote.")
    characters: int = strawberry.field(description="Characters it spoke.")
    cost: Money | None = strawberry.field(description="As estimated; null: no price is known.")

    @strawberry.field(description="Seconds of audio that it heard or made.")
    def audio_seconds(self) -> float:
        used: Any = self
        return float(used.audio_ms / 1000)


@strawberry.type(description="What one provider is owed for a call, as estimated.")
class ProviderCost:
    provider: str = strawberry.field(description="Its name in the catalogue.")
    total: Money = strawberry.field(description="What is known of it.")
    partial: bool = strawberry.field(description="Whether there is more, without a known price.")


@strawberry.type(description="What a call comes to: an estimate, by price lists.")
class Cost:
    total: Money = strawberry.field(description="What is known of it.")
    partial: bool = strawberry.field(description="Whether there is more, without a known price.")
    by_provider: list[ProviderCost] = strawberry.field(description="The same, by provider.")

    @strawberry.field(description="The currency of all amounts, in ISO 4217: USD.")
    def currency(self) -> str:
        return CURRENCY


@strawberry.type(description="How a time is spread over the turns of a call, in milliseconds.")
class Spread:
    p50: float = strawberry.field(description="Half of the turns were at least as quick.")
    p95: float = strawberry.field(description="Nineteen in twenty were at least as quick.")


@strawberry.type(
    description="How quick the answers of a call were, in milliseconds; null where none was measured."
)
class LatencySummary:
    turns: int = strawberry.field(description="How many turns were measured.")
    total_ms: Spread | None = strawberry.field(description="To the end of the answer.")
    first_audio_ms: Spread | None = strawberry.field(description="To the answer's first sound.")
    at_ear_ms: Spread | None = strawberry.field(
        description="To that sound at the caller's ear, estimated."
    )
    stt_ms: float | None = strawberry.field(description="Median until the words were recognised.")
    end_of_turn_ms: float | None = strawberry.field(
        description="Median until the caller's silence was taken for the end."
    )
    llm_first_token_ms: float | None = strawberry.field(
        description="Median until the model's first word."
    )
    tts_first_byte_ms: float | None = strawberry.field(
        description="Median until the voice's first sound."
    )
    playback_ms: float | None = strawberry.field(
        description="Median until that sound was on its way."
    )


@strawberry.type(description="How a budget stands: in calls, minutes or dollars, as it is named.")
class BudgetLevel:
    budget: Budget = strawberry.field(description="Which one.")
    used: float = strawberry.field(description="With what the calls use that go on.")
    limit: float | None = strawberry.field(description="Null: there is none.")
    left: float | None = strawberry.field(description="Null: without limit.")
    resets_at: datetime | None = strawberry.field(
        description="When it begins anew; null: as soon as a call ends."
    )
