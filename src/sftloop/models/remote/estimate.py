"""What answering some records will take, before a call is made.

Tokens are guessed from characters: within a fifth or so for English and Chinese. Knows prices and questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sftloop.models.remote.endpoint import Prices
from sftloop.models.remote.question import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Calls, tokens and money of what isn't in the cache yet."""

    calls: int
    cached: int
    """Records that the cache answers."""
    prompt_tokens: int
    """Likely."""
    answer_tokens: int
    """Likely."""
    cost: float | None
    """Likely; None: the prices are unknown."""
    most: float | None
    """What no failure-free run costs more than."""
    currency: str

    def __str__(self) -> str:
        text = f"{self.calls} calls, about {self.prompt_tokens:,} prompt and {self.answer_tokens:,} answer tokens"
        if self.cached:
            text += f"; {self.cached} records are answered from the cache"
        if self.cost is None:
            return f"{text}; the prices are unknown, so the cost is too"
        return f"{text}: about {self.cost:.3g} {self.currency}, {self.most:.3g} at most"


def estimate(questions: Iterable[tuple[Question, int]], cached: int, prices: Prices | None) -> Estimate:
    """Add up.

    Args:
        questions: each with the likely tokens of its answer.
        cached: records that need no call.
        prices: None if unknown.
    """
    calls = prompt = answer = 0
    most = 0.0
    for question, tokens in questions:
        calls += 1
        prompt += question.likely_prompt_tokens
        answer += min(tokens, question.most_tokens)
        most += prices.cost(question.most_prompt_tokens, question.most_tokens) if prices else 0.0
    return Estimate(
        calls=calls,
        cached=cached,
        prompt_tokens=prompt,
        answer_tokens=answer,
        cost=prices.cost(prompt, answer) if prices else None,
        most=most if prices else None,
        currency=prices.currency if prices else "",
    )
