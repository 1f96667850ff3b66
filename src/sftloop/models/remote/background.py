"""Many questions asked at once on an event loop in a thread of its own, answers handed over as they come.

The loop and its connections live as long as the model, and calls go on while the caller works. Doesn't know
HTTP, records or the cache: what is done with each answer first is passed in.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from sftloop.core.errors import ExternalError
from sftloop.models.remote.client import Client, GivenUp
from sftloop.models.remote.question import Question
from sftloop.models.remote.reply import Reply

_PATIENCE_SECONDS = 10.0
"""How long calls under way are waited for once one of them has shown that no other will do, and how long the
thread is, once it was told to end."""
_LOOK_SECONDS = 5.0
"""How often the thread is looked after while no answer comes."""
_HOPELESS = 10
"""Questions given up in a row without an answer between them, from which on the service counts as failed."""

Keep = Callable[[bytes, Reply], None]
Answered = tuple[bytes, Reply | GivenUp]


class Background:
    """Runs a client.

    Args:
        client: asks one question.
        keep: called with each answer as soon as it is there, before it is handed over.
    """

    def __init__(self, client: Client, keep: Keep) -> None:
        self._client, self._keep = client, keep
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def answers(self, questions: Mapping[bytes, Question]) -> Iterator[Answered]:
        """Yield each question's answer, in the order they come; leaving early drops calls under way.

        Raises:
            ExternalError: the service fails for all; answers that came before are yielded first.
        """
        results: queue.SimpleQueue[Answered | None] = queue.SimpleQueue()
        run = _Run(self._client, self._keep, questions, results.put)
        future = asyncio.run_coroutine_threadsafe(run.all(), self._started())
        future.add_done_callback(lambda _: results.put(None))
        try:
            while (result := self._next(results)) is not None:
                yield result
            future.result(_PATIENCE_SECONDS)
        finally:
            future.cancel()

    def close(self) -> None:
        """End the thread and its connections; one that doesn't end in time is left to the end of the process."""
        if self._loop is None or self._thread is None:
            return
        if self._thread.is_alive():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(_PATIENCE_SECONDS)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()
        self._loop = self._thread = None

    def _next(self, results: queue.SimpleQueue[Answered | None]) -> Answered | None:
        """Return the next answer, None behind the last.

        Raises:
            ExternalError: the thread has ended, so nothing will come.
        """
        while True:
            alive = self._thread is not None and self._thread.is_alive()
            try:
                return results.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if not alive:
                    raise ExternalError(
                        "The thread that asks the service has ended.",
                        hint="Answers so far are kept; start the same command again.",
                    ) from None

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="sftloop-api", daemon=True)
            self._thread.start()
        return self._loop

    async def _end(self) -> None:
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._client.close()


class _Run:
    """One set of questions, from the first to the last answer."""

    def __init__(
        self,
        client: Client,
        keep: Keep,
        questions: Mapping[bytes, Question],
        hand_over: Callable[[Any], None],
    ) -> None:
        self._client, self._keep, self._hand_over = client, keep, hand_over
        self._left = iter(questions.items())
        self._workers = min(len(questions), 2 * client.endpoint.most_at_once)
        """Twice as many as calls: some wait for their next try."""
        self._given_up: list[tuple[bytes, GivenUp]] = []
        """Held back until something is answered: if nothing ever is, they are no records' errors."""

    async def all(self) -> None:
        gate = self._client.gate
        self._client.expect_other_answers()
        workers = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        try:
            error = await _first_error(workers)
            if error is not None:
                gate.closed = True
                await self._last_answers()
                raise error
            self._tell_given_up()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        for key, question in self._left:
            answer = await self._client.ask(question)
            if isinstance(answer, Reply):
                self._keep(key, answer)
                self._tell_given_up()
                self._hand_over((key, answer))
            else:
                self._given_up.append((key, answer))
                self._stop_if_hopeless(answer)

    async def _last_answers(self) -> None:
        """Wait for calls under way: they are paid for."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while self._client.gate.under_way and time.monotonic() < until:
            await asyncio.sleep(0.02)

    def _tell_given_up(self) -> None:
        for each in self._given_up:
            self._hand_over(each)
        self._given_up.clear()

    def _stop_if_hopeless(self, last: GivenUp) -> None:
        """End the run if questions fail whatever they are; what is wrong with one of them says its own words."""
        alike = [each for _, each in self._given_up if each.rejected == last.rejected]
        if last.rejected and (self._client.answered or len({each.why for each in alike}) > 1):
            return
        if len(alike) >= _HOPELESS:
            address = self._client.endpoint.address
            raise ExternalError(
                f"{address} has given no answer to {_HOPELESS} records in a row: {last.why}.",
                hint="Answers so far are kept; start the same command when this is mended.",
            )


async def _first_error(workers: list[asyncio.Task[None]]) -> BaseException | None:
    if not workers:
        return None
    done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
    return next((error for worker in done if (error := worker.exception()) is not None), None)
