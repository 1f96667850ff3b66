"""A document on its way through the stages, with the scores that it got, and how it is kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sftloop.core.jsonl import read_jsonl, write_jsonl


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One document of the pool that a stage let through."""

    id: str
    text: str
    row: dict[str, Any]
    """As it stood in the pool, its `id` set."""
    scores: dict[str, float | None] = field(default_factory=dict)
    """By name, of every stage so far; None where a stage didn't score it."""

    def with_scores(self, **scores: float | None) -> Candidate:
        """Return the same document with further scores."""
        return replace(self, scores={**self.scores, **scores})


def write_candidates(path: Path, candidates: Sequence[Candidate]) -> None:
    """Write the documents in order, whole or not at all."""
    write_jsonl(path, ({"id": c.id, "scores": c.scores, "text": c.text, "row": c.row} for c in candidates))


def read_candidates(path: Path) -> list[Candidate]:
    """Return what `write_candidates` wrote."""
    return [Candidate(**row) for _, row in read_jsonl(path, what="a stage's result")]
