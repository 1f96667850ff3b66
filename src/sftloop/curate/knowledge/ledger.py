"""What was found out about each fact, kept in a file as it is asked: a kill loses those asked side by side.

Knows facts and classes; doesn't ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sftloop.core.jsonl import JsonlAppender, kept_rows
from sftloop.curate.knowledge.few_shot import Fact
from sftloop.curate.knowledge.slick import Inquiry, Knowledge


class Asked(NamedTuple):
    """A fact's class, and how many answers it took to tell."""

    verdict: Knowledge
    generations: int


class Ledger:
    """Facts that were asked for.

    Args:
        path: gets a line per fact, and is read first; None: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.asked: dict[Fact, Asked] = {}
        self._path = path
        self._too_long: set[Fact] = set()
        for row in () if path is None else kept_rows(path, what="facts that were asked for"):
            self._take(Fact(**row["fact"]), row["verdict"], row["generations"])

    def __contains__(self, fact: Fact) -> bool:
        """Whether it needn't be asked for again."""
        return fact in self.asked or fact in self._too_long

    def add(self, facts: Sequence[Fact], found: Mapping[Fact, Inquiry]) -> None:
        """Take in what came of asking for some facts; those without an inquiry didn't fit the context."""
        rows: list[dict[str, Any]] = []
        for fact in facts:
            inquiry = found.get(fact)
            verdict = (inquiry.verdict or "unknown") if inquiry else None
            generations = inquiry.generations if inquiry else 0
            self._take(fact, verdict, generations)
            rows.append({"fact": fact._asdict(), "verdict": verdict, "generations": generations})
        if self._path is not None:
            with JsonlAppender(self._path) as kept:
                for row in rows:
                    kept.append(row)

    def _take(self, fact: Fact, verdict: Knowledge | None, generations: int) -> None:
        if verdict is None:
            self._too_long.add(fact)
        else:
            self.asked[fact] = Asked(verdict, generations)
