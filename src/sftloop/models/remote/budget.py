"""What the calls cost, and that they never cost more than allowed.

Before a call is sent, the most it can cost is set aside; when it is answered, what it really cost takes that
place. So calls under way can't go beyond the budget together. Belongs to one event loop; knows tokens and
prices, no HTTP.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from sftloop.core.errors import ExternalError, UsageError
from sftloop.models.remote.endpoint import Prices
from sftloop.models.remote.question import Question
from sftloop.models.remote.reply import Reply


class BudgetSpentError(ExternalError):
    """The next call could cost more than what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What was used so far, answers from the cache left out."""

    calls: int = 0
    """Calls sent, failed ones too."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens that the service had in its own cache."""
    answer_tokens: int = 0
    spent: float | None = None
    """None: the prices are unknown."""
    assumed: float = 0.0
    """The part of `spent` for calls whose answer got lost, at the most they can have cost."""
    currency: str = ""


class Budget:
    """Sets money aside and counts what was spent.

    Args:
        prices: None if unknown.
        limit: the most that may be spent; None: no limit.

    Raises:
        UsageError: a limit without prices, or one that isn't above 0.
    """

    def __init__(self, prices: Prices | None, limit: float | None) -> None:
        if limit is not None and prices is None:
            raise UsageError(
                "A budget can't be kept while the prices are unknown.",
                hint="Give the prices per million prompt and answer tokens.",
            )
        if limit is not None and not limit > 0:
            raise UsageError(f"The budget is {limit}; it must be above 0.")
        self._prices, self._limit = prices, limit
        self._set_aside, self._under_way = 0.0, 0
        self._waiting: list[asyncio.Future[None]] = []
        self.costs = Costs() if prices is None else Costs(spent=0.0, currency=prices.currency)

    async def reserve(self, question: Question) -> float:
        """Set aside the most a call can cost, waiting for calls under way where they decide whether it fits.

        Returns:
            The sum, for `settle`.

        Raises:
            BudgetSpentError: it doesn't fit, and nothing is under way any more.
        """
        most = self._most(question)
        while self._limit is not None and self._spent + self._set_aside + most > self._limit:
            if not self._under_way:
                raise BudgetSpentError(
                    self._why_spent(most), hint="Answers so far are kept; raise the budget."
                )
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._set_aside += most
        self._under_way += 1
        return most

    def settle(
        self, reserved: float, reply: Reply | None, *, sent: bool = True, billed: bool = False
    ) -> None:
        """Put what a call really cost in the place of what was set aside.

        Args:
            reserved: what `reserve` returned.
            reply: the answer.
            sent: whether the call was made at all.
            billed: without an answer: the service may have written one, and charge it.
        """
        self._under_way -= 1
        self._set_aside = self._set_aside - reserved if self._under_way else 0.0
        self.costs = replace(self.costs, calls=self.costs.calls + sent)
        if reply is not None:
            self._count(reply, reserved)
        elif billed and self._prices is not None:
            spent, assumed = self._spent + reserved, self.costs.assumed + reserved
            self.costs = replace(self.costs, spent=spent, assumed=assumed)
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    @property
    def _spent(self) -> float:
        return self.costs.spent or 0.0

    def _most(self, question: Question) -> float:
        if self._prices is None:
            return 0.0
        return self._prices.cost(question.most_prompt_tokens, question.most_tokens)

    def _count(self, reply: Reply, reserved: float) -> None:
        old = self.costs
        prompt, answer = reply.prompt_tokens, reply.answer_tokens
        counted = prompt is not None and answer is not None
        if self._prices is None:
            spent = None
        else:
            known = self._prices.cost(prompt or 0, answer or 0, reply.cached_tokens)
            spent = self._spent + (known if counted else reserved)
        self.costs = replace(
            old,
            prompt_tokens=old.prompt_tokens + (prompt or 0),
            cached_tokens=old.cached_tokens + reply.cached_tokens,
            answer_tokens=old.answer_tokens + (answer or 0),
            spent=spent,
            assumed=old.assumed + (0.0 if counted or self._prices is None else reserved),
        )

    def _why_spent(self, most: float) -> str:
        currency = self.costs.currency
        return (
            f"The budget of {self._limit:g} {currency} is used up: {self._spent:.4g} {currency} spent, and the "
            f"next call could cost {most:.2g}."
        )
