"""Lets calls out one by one, as many at once as the concurrency allows, none during a pause.

Belongs to one event loop. Doesn't know what the calls are.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

from sftloop.models.remote.concurrency import Concurrency


class Gate:
    """Counts the calls under way.

    Args:
        concurrency: says how many there may be.
    """

    def __init__(self, concurrency: Concurrency) -> None:
        self.concurrency = concurrency
        self.under_way = 0
        self.closed = False
        """Nothing is let out any more."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self) -> float:
        """Wait for a place; return when it was got, in monotonic seconds."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_out()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        return time.monotonic()

    def answered(self, sent: float) -> float:
        """Give back the place of a call that was answered; return the seconds it took."""
        now = time.monotonic()
        self.concurrency.answered(now, now - sent, self.under_way)
        self._leave()
        return now - sent

    def refused(self, sent: float, wait: float | None) -> None:
        """Give back the place of a call that was refused for being one too many."""
        self.concurrency.refused(time.monotonic(), sent, self.under_way, wait)
        self._leave()

    def failed(self) -> None:
        """Give back the place of a call that says nothing about how many are too many."""
        self._leave()

    def _leave(self) -> None:
        self.under_way -= 1
        self._let_out()

    def _let_out(self) -> None:
        pause = self.concurrency.paused_until - time.monotonic()
        if pause > 0:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(pause, self._go_on)
            return
        while self._waiting and not self.closed and self.under_way < self.concurrency.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self.under_way += 1
                turn.set_result(None)

    def _go_on(self) -> None:
        self._timer = None
        self._let_out()
