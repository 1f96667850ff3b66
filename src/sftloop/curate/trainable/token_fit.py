"""What the records are to one tokenizer: too long for the context, nothing to learn, no end of turn.

Counts tokens; doesn't know the model's weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sftloop.core.errors import DataError
from sftloop.records import Record

if TYPE_CHECKING:
    from sftloop.models import PromptEncoder, TaskTokens

_PROBE = "\u2042"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFacts:
    """One task's records in tokens."""

    task: str
    n: int
    prefix_tokens: int
    """Shared by all prompts of the task."""
    prompt_tokens: float
    """Mean, the prefix included."""
    target_tokens: float
    """Mean; the end of the turn counts."""
    target_share: float
    """Share of all tokens that are learned."""
    longest: int
    context_tokens: int | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFit:
    """Which records of one task can't be learned, by id."""

    facts: TokenFacts | None
    """None: no record could be written in tokens."""
    too_long: Mapping[str, int]
    """Record's id → its tokens, the longest first."""
    masked: tuple[str, ...]
    """No token of the answer is learned: the tokenizer drops all of it."""
    cut_off: Mapping[str, int]
    """Record's id → its answer's tokens, where evaluation stops the model before it can write so many."""


def token_fit(records: Sequence[Record], tokens: TaskTokens, context_tokens: int | None) -> TokenFit:
    """Count one task's records in tokens.

    Args:
        records: of the task; one that can't be written is left out (it is another finding).
        tokens: the task to the model's tokenizer.
        context_tokens: the longest sequence the model takes, None: not known.
    """
    sizes: dict[str, tuple[int, int]] = {}
    for record in records:
        try:
            sizes[record.id] = len(tokens.prompt(record)), len(tokens.target(record))
        except DataError:
            continue
    room = context_tokens or 1 << 30
    long = {key: prompt + target for key, (prompt, target) in sizes.items() if prompt + target > room}
    return TokenFit(
        facts=_facts(tokens, list(sizes.values()), context_tokens) if sizes else None,
        too_long=dict(sorted(long.items(), key=lambda item: -item[1])),
        masked=tuple(key for key, (_, target) in sizes.items() if target < 2),
        cut_off=tokens.beyond_room({key: target for key, (_, target) in sizes.items()}),
    )


def closes_turns(encoder: PromptEncoder) -> bool:
    """Whether the chat template itself writes the token that ends an answer."""
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": _PROBE}]
    tail = str(encoder.tokenizer.apply_chat_template(turns, tokenize=False)).rpartition(_PROBE)[2]
    return encoder.end_of_turn in encoder.tokenizer(tail, add_special_tokens=False)["input_ids"]


def _facts(tokens: TaskTokens, sizes: Sequence[tuple[int, int]], context_tokens: int | None) -> TokenFacts:
    prompts, targets = (sum(column) for column in zip(*sizes, strict=True))
    return TokenFacts(
        task=tokens.task.name,
        n=len(sizes),
        prefix_tokens=len(tokens.prefix),
        prompt_tokens=prompts / len(sizes),
        target_tokens=targets / len(sizes),
        target_share=targets / (prompts + targets),
        longest=max(prompt + target for prompt, target in sizes),
        context_tokens=context_tokens,
    )
