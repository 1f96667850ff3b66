"""What a model's loss on each record's answer is, with the prompt and without, kept in a file as it is measured.

Knows a model and records; doesn't judge what a loss means.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sftloop.core.jsonl import JsonlAppender, kept_rows
from sftloop.core.progress import Progress
from sftloop.curate.difficulty.losses import Losses
from sftloop.models import LocalModel, TaskTokens
from sftloop.train import encode_examples
from sftloop.train.record_losses import answer_header, record_losses, unconditional_losses

if TYPE_CHECKING:
    from sftloop.records import Record
    from sftloop.scenario import Scenario

Key = tuple[str, str]
"""Task and id."""
_AT_ONCE = 256
"""Examples between two writes: a prefix runs anew for each, a kill loses no more."""


def answer_losses(
    local: LocalModel, scenario: Scenario, records: Sequence[Record], path: Path
) -> dict[Key, Losses]:
    """Return the losses of all records that fit the model's context.

    Args:
        local: the model.
        scenario: of the records.
        records: of any tasks.
        path: gets a line per record; what is there is not measured again.
    """
    tokens = {task: TaskTokens.of(scenario, task, local.encoder) for task in {r.task for r in records}}
    examples = encode_examples(
        records, tokens, context_tokens=local.encoder.context_tokens, leave_out_too_long=True
    )
    found = {
        (row["task"], row["id"]): Losses(row["conditional"], row["unconditional"])
        for row in kept_rows(path, what="losses")
    }
    left = [example for example in examples if (example.task, example.record_id) not in found]
    done = len(examples) - len(left)
    header = answer_header(local.encoder)
    with JsonlAppender(path) as kept, Progress("Losses of answers", len(examples), done=done) as progress:
        for start in range(0, len(left), _AT_ONCE):
            part = left[start : start + _AT_ONCE]
            own = record_losses(local.model, part)
            bare = unconditional_losses(local.model, part, header)
            for example, with_prompt, without in zip(part, own, bare, strict=True):
                losses = Losses(with_prompt.mean, without.mean)
                found[example.task, example.record_id] = losses
                kept.append({"task": example.task, "id": example.record_id, **losses._asdict()})
            progress.advance(len(part))
    return found
