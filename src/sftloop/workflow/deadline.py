"""Ends a training when its time is up; what it has written stays, so it goes on where it is asked for again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments


class OutOfTime(Exception):
    """The work was ended before it was done."""


def deadline(seconds: float) -> TrainerCallback:
    """Return a callback that raises `OutOfTime` after the first step that ends later than in so many seconds."""
    from transformers import TrainerCallback

    end = time.monotonic() + seconds

    class Deadline(TrainerCallback):
        def on_step_end(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
        ) -> None:
            if time.monotonic() > end:
                raise OutOfTime

    return Deadline()
