"""Records as training examples: prompt tokens, target tokens, and where the shared prefix ends.

Only the answer and its end of turn are learned. A record whose target is empty, or that the model's
context can't hold whole, is an error that names it: truncation would silently train on half an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sftloop.core.errors import DataError
from sftloop.core.progress import say

if TYPE_CHECKING:
    from sftloop.models import TaskTokens
    from sftloop.records import Record

_NAMED = 5
"""Records named in one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One record in tokens."""

    record_id: str
    task: str
    prefix: tuple[int, ...]
    """Tokens shared with every other example of the task; empty when the record doesn't begin with them."""
    prompt: tuple[int, ...]
    """The rest of the prompt; never empty."""
    target: tuple[int, ...]
    """The answer and the end of the turn."""
    wanted: tuple[float, ...] = ()
    """What a scoring head should say, in place of `target`."""
    label: str | None = None
    """The label of a `choice` answer: batches are balanced over it."""

    @property
    def suffix(self) -> tuple[int, ...]:
        """What the model reads behind the prefix: the rest of the prompt and all but the last target."""
        return self.prompt + self.target[:-1]

    def for_head(self, wanted: tuple[float, ...]) -> Example:
        """Return the same prompt with what a head should say instead of an answer to write."""
        return replace(self, target=(), wanted=wanted)

    @property
    def length(self) -> int:
        """All tokens of the record."""
        return len(self.prefix) + len(self.prompt) + len(self.target)


def encode_examples(
    records: Sequence[Record],
    tasks: Mapping[str, TaskTokens],
    *,
    context_tokens: int | None,
    leave_out_too_long: bool = False,
    written: bool = True,
) -> list[Example]:
    """Turn records into examples, in the same order.

    Args:
        records: of any of the `tasks`.
        tasks: task name → its tokens.
        context_tokens: the longest sequence the model takes.
        leave_out_too_long: go on without the records that are longer, and say which; else they are refused.
        written: the answers are written; where a head says them, no text is made of them.

    Raises:
        DataError: records with an empty target or longer than the context (ids and lengths).
    """
    examples = [_encode(record, tasks[record.task], written) for record in records]
    empty = [example.record_id for example in examples if written and len(example.target) < 2]
    if empty:
        raise DataError(
            f"{len(empty)} training records have an empty answer: {_names(empty)}.",
            hint="Fill their answers or remove them.",
        )
    room = context_tokens or 1 << 30
    long = [f"{example.record_id} ({example.length} tokens)" for example in examples if example.length > room]
    if not long:
        return examples
    what = (
        f"{len(long)} training records are longer than the model's context of {room} tokens: {_names(long)}."
    )
    if not leave_out_too_long or len(long) == len(examples):
        raise DataError(
            what, hint="Shorten their input, remove them, or leave them out (--set too_long=leave_out)."
        )
    say(f"Left out: {what}")
    return [example for example in examples if example.length <= room]


def _encode(record: Record, tokens: TaskTokens, written: bool) -> Example:
    try:
        prompt, target = tokens.prompt(record), tokens.target(record) if written else []
    except DataError as error:
        raise DataError(f"Record '{record.id}': {error.message}", hint=error.hint) from error
    cut = tokens.split(prompt)
    return Example(
        record_id=record.id,
        task=record.task,
        prefix=tuple(prompt[:cut]),
        prompt=tuple(prompt[cut:]),
        target=tuple(target),
        label=record.answer.label if record.answer else None,
    )


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
