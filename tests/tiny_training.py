"""A training of a tiny model on random tokens: seconds, and everything a real one goes through."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from sftloop.train.examples import Example
from sftloop.train.methods import FullMethod, Trainable
from sftloop.train.settings import TrainSettings
from sftloop.train.trainer import TrainOutcome, train
from tests.tiny_models import VOCABULARY, tiny_model


def examples(count: int, tasks: str = "a") -> list[Example]:
    draw = random.Random(3)

    def tokens(length: int) -> tuple[int, ...]:
        return tuple(draw.randrange(3, VOCABULARY) for _ in range(length))

    prefix = tokens(12)
    return [
        Example(
            record_id=f"r{index}",
            task=tasks[index % len(tasks)],
            prefix=prefix,
            prompt=tokens(5),
            target=tokens(3),
        )
        for index in range(count)
    ]


def learn(
    directory: Path, model: Any = None, count: int = 16, tasks: str = "a", **settings: Any
) -> TrainOutcome:
    trainable = Trainable.counted(model or tiny_model("llama"), None)
    chosen = TrainSettings(**{"learning_rate": 1e-3, "batch_size": 4, "log_to": "none"} | settings)
    return train(
        trainable,
        FullMethod(),
        examples(count, tasks),
        chosen,
        directory=directory,
        validate=lambda model: {"score": 0.5},
    )
