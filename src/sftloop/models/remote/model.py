"""A model behind an API, predicting records as a local one does: same prompts, same reading of its answers.

Joins questions, cache and client; doesn't know HTTP, metrics or files of predictions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from sftloop.core.settings import settings
from sftloop.models.remote.background import Background
from sftloop.models.remote.budget import Budget, Costs
from sftloop.models.remote.cache import AnswerCache
from sftloop.models.remote.client import Client, GivenUp
from sftloop.models.remote.endpoint import Endpoint
from sftloop.models.remote.estimate import Estimate, estimate
from sftloop.models.remote.label_chances import label_probabilities
from sftloop.models.remote.question import Question, likely_tokens, questions
from sftloop.models.remote.reply import Reply
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario, parse_answer


class RemoteModel:
    """One model of one service, ready to predict.

    Args:
        endpoint: the service and the model's name there.
        name: what results are filed under; the model's name if not given.
        budget: the most that this object's calls may cost, in the prices' currency; answers from the cache
            cost nothing.
        cache: the file of answers; the user's own if not given.

    Raises:
        UsageError: a budget without prices.
        ExternalError: the cache can't be used.
    """

    chunk = 8192
    """Records to hand over at a time: at the end of each lot the service runs idle."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        name: str | None = None,
        budget: float | None = None,
        cache: Path | None = None,
    ) -> None:
        self.endpoint, self.name = endpoint, name or endpoint.model
        self._budget = Budget(endpoint.prices, budget)
        self._cache = AnswerCache(cache or settings().cache_directory / "answers.sqlite")
        self._background = Background(Client(endpoint, self._budget), self._keep)

    def __enter__(self) -> RemoteModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def costs(self) -> Costs:
        """What this object's calls have cost so far."""
        return self._budget.costs

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        """Yield one prediction per record: those in the cache first, then as the answers come.

        A record that is given up carries the reason in `error`. Records with the same prompt share one call.

        Args:
            scenario: gives the prompt's wording.
            task: the task that all `records` belong to.
            records: what to predict; the more at once, the better the service is used.

        Raises:
            ExternalError: the service fails for all (address, key, model, account), or the budget is used up;
                what was answered is kept, and yielded first.
        """
        asked, of_key = self._questions(scenario, task, records)
        for key, reply in self._cache.find(list(asked)):
            del asked[key]
            yield from _predictions(scenario, of_key[key], reply)
        if asked:
            for key, answer in self._background.answers(asked):
                yield from _predictions(scenario, of_key[key], answer)

    def estimate(self, scenario: Scenario, records: Sequence[Record]) -> Estimate:
        """Return what predicting records of any tasks will take, without a call."""
        todo: dict[bytes, tuple[Question, int]] = {}
        cached = 0
        for name in dict.fromkeys(record.task for record in records):
            asked, of_key = self._questions(scenario, name, [r for r in records if r.task == name])
            known = self._cache.known(asked)
            cached += sum(len(of_key[key]) for key in known)
            for key, question in asked.items():
                if key not in known:
                    todo[key] = question, _likely_answer(of_key[key][0])
        return estimate(todo.values(), cached, self.endpoint.prices)

    def close(self) -> None:
        """Close connections and the cache."""
        self._background.close()
        self._cache.close()

    def _questions(
        self, scenario: Scenario, name: str, records: Sequence[Record]
    ) -> tuple[dict[bytes, Question], Mapping[bytes, list[Record]]]:
        asked: dict[bytes, Question] = {}
        of_key: dict[bytes, list[Record]] = {}
        for record, question in zip(records, questions(scenario, scenario.tasks[name], records), strict=True):
            key = question.key(self.endpoint)
            asked[key] = question
            of_key.setdefault(key, []).append(record)
        return asked, of_key

    def _keep(self, key: bytes, reply: Reply) -> None:
        self._cache.keep(key, self.endpoint.model, reply)


def _predictions(
    scenario: Scenario, records: Sequence[Record], answer: Reply | GivenUp
) -> Iterator[Prediction]:
    """Yield the predictions of records that share a question."""
    if isinstance(answer, GivenUp):
        yield from (Prediction(id=r.id, task=r.task, error=answer.why) for r in records)
        return
    first = _prediction(scenario, records[0], answer)
    yield from (replace(first, id=record.id) for record in records)


def _prediction(scenario: Scenario, record: Record, reply: Reply) -> Prediction:
    """Read a reply as a local model's text is read."""
    task = scenario.tasks[record.task]
    parsed = parse_answer(task, reply.text, scenario.language)
    answer = parsed.answer
    withheld = reply.finish == "content_filter" and answer is None
    table = label_probabilities(task, reply.tokens) if task.kind == "choice" and reply.tokens else None
    if table is not None:
        best = max(table, key=table.__getitem__)
        answer = replace(answer, label=best) if answer and answer.label == best else Answer(label=best)
    return Prediction(
        id=record.id,
        task=record.task,
        text=reply.text,
        answer=answer,
        format_valid=None if withheld else parsed.valid and reply.finish == "stop",
        probabilities=table,
        tokens=reply.answer_tokens,
        prompt_tokens=reply.prompt_tokens,
        latency_seconds=reply.seconds,
        error="the service withheld its answer (content filter)" if withheld else None,
    )


def _likely_answer(record: Record) -> int:
    return likely_tokens(json.dumps(record.answer.to_json(), ensure_ascii=False))
