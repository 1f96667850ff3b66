"""A model that draws its answers instead of writing the likeliest one: does it say the same again?

A predictor like any other; wraps a local model. Doesn't know what the samples are for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sftloop.models import LocalModel, TaskTokens
from sftloop.models.sample import write_answers
from sftloop.models.sampling import Sampling
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, parse_answer

SAMPLES = 3
"""Samples beside the greedy answer."""
_SAMPLING = Sampling(temperature=0.7)
"""What chat services commonly run at."""


class SampledModel:
    """A local model whose answers are drawn.

    Args:
        local: the model.
        number: which of its samples; the same number draws the same answer.
        seed: of all draws.
    """

    def __init__(self, local: LocalModel, number: int, seed: int) -> None:
        self.local, self.number, self.seed = local, number, seed

    def predict(self, scenario: Scenario, task: str, records: Sequence[Record]) -> Iterator[Prediction]:
        """Yield one drawn answer per record; records whose prompt is too long get an error."""
        tokens = TaskTokens.of(scenario, task, self.local.encoder)
        room = (self.local.encoder.context_tokens or 1 << 30) - tokens.answer_limit
        prompts = {record.id: tokens.prompt(record) for record in records}
        fitting = [record for record in records if len(prompts[record.id]) <= room]
        found = write_answers(
            self.local.model,
            self.local.encoder,
            [prompts[record.id] for record in fitting],
            numbers=[[self.number]] * len(fitting),
            sampling=_SAMPLING,
            stop=None,
            limit=tokens.answer_limit,
            seed=self.seed,
        )
        written = {record.id: own.text for record, [own] in zip(fitting, found, strict=True)}
        for record in records:
            text = written.get(record.id)
            if text is None:
                yield Prediction(id=record.id, task=task, error="the prompt is too long for the model")
                continue
            parsed = parse_answer(tokens.task, text, scenario.language)
            yield Prediction(
                id=record.id, task=task, text=text, answer=parsed.answer, format_valid=parsed.valid
            )
