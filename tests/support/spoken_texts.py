"""What agents say without their model, in English."""

from __future__ import annotations

from domain.workflows.spoken_text_templates import find_spoken_text
from domain.workflows.spoken_texts import SpokenText

CONNECTION_DROPPED = find_spoken_text(SpokenText.CONNECTION_DROPPED, "en")
CANNOT_ANSWER = find_spoken_text(SpokenText.CANNOT_ANSWER, "en")
CANNOT_HEAR = find_spoken_text(SpokenText.CANNOT_HEAR, "en")
TECHNICAL_PROBLEM = find_spoken_text(SpokenText.TECHNICAL_PROBLEM, "en")
ENDING_SOON = find_spoken_text(SpokenText.ENDING_SOON, "en")
BUDGET_EXHAUSTED = find_spoken_text(SpokenText.BUDGET_EXHAUSTED, "en")
