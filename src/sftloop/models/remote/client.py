"""One question, asked until it is answered or given up: tries, pauses between them, what each may cost.

Belongs to one event loop. Knows HTTP through httpx2; not records, tasks or many questions at once.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sftloop.core.errors import ExternalError, UsageError, nearest
from sftloop.core.progress import say
from sftloop.core.settings import secret
from sftloop.models.remote.budget import Budget
from sftloop.models.remote.concurrency import Concurrency
from sftloop.models.remote.dialect import Body, Dialect
from sftloop.models.remote.endpoint import Endpoint
from sftloop.models.remote.gate import Gate
from sftloop.models.remote.outcome import Broken, NoSuchModelError, Outcome, Refused, Rejected, read_response
from sftloop.models.remote.patience import Patience
from sftloop.models.remote.question import Question
from sftloop.models.remote.reply import Reply

if TYPE_CHECKING:
    import httpx2

_TRIES = 6
"""Calls that break before a question is given up; twice that in a row that are refused for lack of room."""
_FIRST_TRIES = 2
"""Calls without a connection before the address counts as wrong, while nothing has been answered."""
_SHORTEST_SECRET = 12
"""Shorter keys are placeholders for servers that need none, and may be words of an answer."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A question without an answer."""

    why: str
    rejected: bool = False
    """The service doesn't want this very question."""


class Client:
    """Asks one model of one service.

    Args:
        endpoint: the service.
        budget: what is set aside and counted.
    """

    def __init__(self, endpoint: Endpoint, budget: Budget) -> None:
        self.endpoint, self.budget = endpoint, budget
        self.gate = Gate(Concurrency(endpoint.most_at_once))
        self.answered = False
        """The service has answered a question."""
        self._dialect = Dialect(endpoint)
        self._patience = Patience(endpoint.answer_seconds)
        self._http: httpx2.AsyncClient | None = None
        self._key: str | None = None
        self._told: set[str] = set()

    async def ask(self, question: Question) -> Reply | GivenUp:
        """Return the answer, or why there is none.

        Raises:
            ExternalError: no question would be answered; or the budget is used up.
        """
        broken = refused = 0
        while True:
            outcome, body = await self._try(question, broken)
            if isinstance(outcome, Reply):
                self._note(outcome)
                return outcome.with_tokens_up_to(question.label_bytes)
            if isinstance(outcome, Rejected):
                if self._dialect.give_way(body, question, outcome.why):
                    continue
                return GivenUp(outcome.why, rejected=True)
            if isinstance(outcome, Broken):
                broken += 1
                self._stop_if_unreachable(outcome, broken)
                tries, most = broken, _TRIES
            else:
                refused += 1
                tries, most = refused, 2 * _TRIES
            if tries >= most:
                return GivenUp(f"{tries} tries failed, the last with {outcome.why}")
            await asyncio.sleep(_pause(tries))

    def expect_other_answers(self) -> None:
        """Take no earlier answers' times for those of the questions to come, such as another task's."""
        self.gate.closed = False
        self.gate.concurrency.expect_other_latencies()
        self._patience.forget()

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _try(self, question: Question, broken: int) -> tuple[Outcome, Body]:
        """Make one call once there is money and a place for it; return also what was sent."""
        reserved = await self.budget.reserve(question)
        sent = False
        try:
            entered = await self.gate.enter()
            sent, outcome, body = True, None, self._dialect.body(question)
            try:
                outcome = await self._send(body, self._patience.seconds(broken))
            except ExternalError:
                self.gate.closed = True
                raise
            finally:
                self._give_back(entered, outcome)
        except BaseException as error:
            self.budget.settle(
                reserved, None, sent=sent, billed=sent and not isinstance(error, ExternalError)
            )
            raise
        reply = outcome if isinstance(outcome, Reply) else None
        self.budget.settle(reserved, reply, billed=isinstance(outcome, Broken) and outcome.billed)
        return outcome, body

    def _give_back(self, entered: float, outcome: Outcome | None) -> None:
        if isinstance(outcome, Reply):
            self._patience.answered(self.gate.answered(entered))
        elif isinstance(outcome, Refused):
            self.gate.refused(entered, outcome.wait)
        else:
            self.gate.failed()

    async def _send(self, body: Body, patience: float) -> Outcome:
        import httpx2

        began = time.monotonic()
        try:
            async with asyncio.timeout(patience):
                response = await self._connection().post(
                    f"{self.endpoint.address}/chat/completions", content=json.dumps(body)
                )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            return Broken(
                f"no connection ({self._said(str(error) or type(error).__name__)})", unreachable=True
            )
        except TimeoutError:
            return Broken(f"no answer within {patience:.3g} s", billed=True)
        except httpx2.TransportError as error:
            return Broken(f"a cut connection ({self._said(str(error) or type(error).__name__)})", billed=True)
        except httpx2.DecodingError:
            return Broken("an answer that can't be unpacked", billed=True)
        seconds = time.monotonic() - began
        text = self._said(response.text)
        try:
            return read_response(self.endpoint, response.status_code, response.headers, text, seconds)
        except NoSuchModelError as error:
            raise await self._with_names(error) from None

    def _connection(self) -> httpx2.AsyncClient:
        if self._http is None:
            import httpx2

            self._key = _key(self.endpoint.key_variable)
            headers = {"Content-Type": "application/json"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            most = self.endpoint.most_at_once
            self._http = httpx2.AsyncClient(
                headers=headers,
                timeout=httpx2.Timeout(None, connect=self.endpoint.connect_seconds),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=most),
            )
        return self._http

    def _said(self, text: str) -> str:
        """Return what the service said without the key, should it have echoed it, escaped or not."""
        if self._key is None or len(self._key) < _SHORTEST_SECRET:
            return text
        for spelled in (self._key, json.dumps(self._key)[1:-1], self._key.replace("/", r"\/")):
            text = text.replace(spelled, "…")
        return text

    async def _with_names(self, error: NoSuchModelError) -> NoSuchModelError:
        """Name the models there are."""
        try:
            response = await self._connection().get(f"{self.endpoint.address}/models", timeout=10)
            names = [self._said(str(each["id"])) for each in response.json()["data"]]
        except Exception:  # whatever goes wrong here, the error itself is what matters
            return error
        return NoSuchModelError(error.message, hint=nearest(self.endpoint.model, names) or error.hint)

    def _stop_if_unreachable(self, outcome: Broken, broken: int) -> None:
        if outcome.unreachable and broken >= (_TRIES if self.answered else _FIRST_TRIES):
            raise ExternalError(
                f"{self.endpoint.address} can't be reached: {outcome.why}.",
                hint="Check the URL and the network; answers so far are kept.",
            )

    def _note(self, reply: Reply) -> None:
        self.answered = True
        asked, got = self.endpoint.model, reply.model
        low, high = sorted((asked.casefold(), got.casefold()), key=len)
        if got and low not in high:
            self._tell("name", f"Asked for the model '{asked}', {self.endpoint.address} says it is '{got}'.")
        if not reply.text and reply.finish == "length":
            self._tell(
                "empty",
                f"'{asked}' used up an answer's tokens without writing any of it. If it thinks first, turn that "
                "off by an option, or raise `max_answer_tokens` of the task.",
            )

    def _tell(self, what: str, message: str) -> None:
        """Say something once."""
        if what not in self._told:
            self._told.add(what)
            say(message)


def _key(variable: str) -> str | None:
    key = secret(variable)
    if key is not None and not all(0x21 <= ord(character) <= 0x7E for character in key):
        raise UsageError(
            f"The environment variable {variable} holds characters that no key has.", hint="Set it again."
        )
    return key


def _pause(tries: int) -> float:
    """Return seconds until the next try; chance keeps calls that failed together from coming back together."""
    most = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (tries - 1))
    return most * random.uniform(0.5, 1.0)
