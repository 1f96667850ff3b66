"""The prediction: what a model answered to one record, as it is written to and read from JSON Lines.

Knows neither models nor metrics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sftloop.core.errors import DataError
from sftloop.scenario.answer import Answer

_KEYS = (
    "id",
    "task",
    "text",
    "answer",
    "format_valid",
    "probabilities",
    "tokens",
    "prompt_tokens",
    "latency_seconds",
    "error",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What a model answered to one record; what does not apply is None."""

    id: str
    """The record's id."""
    task: str
    text: str | None = None
    """The text the model wrote (greedy)."""
    answer: Answer | None = None
    """The answer taken for scoring: for `choice` with probabilities, the most probable label."""
    format_valid: bool | None = None
    """Whether `text` has exactly the required answer format."""
    probabilities: dict[str, float] | None = None
    """Label → probability, summing to 1, where the model gives them."""
    tokens: int | None = None
    """Generated tokens."""
    prompt_tokens: int | None = None
    latency_seconds: float | None = None
    error: str | None = None
    """Why there is no answer; an error is counted apart, never as a wrong answer."""

    @property
    def unanswered(self) -> bool:
        """Whether the call came to nothing; what a service withholds on purpose is an answer, if an empty one."""
        return self.error is not None and self.text is None

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Prediction:
        """Build a prediction from one parsed line; unknown keys are left out.

        Raises:
            DataError: `id` or `task` is missing, or the answer is no object.
        """
        for key in ("id", "task"):
            if not isinstance(row.get(key), str):
                raise DataError(f"The prediction's '{key}' must be a text, got {row.get(key)!r}.")
        values = {key: row[key] for key in _KEYS if key in row}
        answer = values.pop("answer", None)
        if answer is not None and not isinstance(answer, Mapping):
            raise DataError(f"The prediction's 'answer' must be an object, got {answer!r}.")
        return cls(**values, answer=None if answer is None else Answer.from_json(dict(answer)))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; what is None is left out."""
        row: dict[str, Any] = {}
        for key in _KEYS:
            value = getattr(self, key)
            if value is not None:
                row[key] = value.to_json() if isinstance(value, Answer) else value
        return row
