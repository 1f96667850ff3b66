"""Questions about facts as few-shot prompts: four other facts of the same kind, then the one that is asked.

Plain text, not the chat template: it asks a base model and an instructed one alike. All facts of a kind see the
same exemplars, except where one would give its own answer away, so that these run once per set.

Knows a tokenizer and facts; doesn't know models or what a right answer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from sftloop.core.seeds import derive_seed
from sftloop.curate.knowledge.slick import PROMPTS
from sftloop.scenario.wording import Language, wording

if TYPE_CHECKING:
    from sftloop.models import PromptEncoder

SHOTS = 4
"""Exemplars in front of the question."""
STOP = "\n"
"""Ends an answer."""
_POOL = 24
"""Candidates per set of exemplars, the first four of which are usual."""


class Fact(NamedTuple):
    """One short answer that its record's input doesn't hold."""

    record_id: str
    task: str
    field: str | None
    """The field of an `extract` task."""
    question: str
    answer: str


class FewShot:
    """The prompts of one kind of fact.

    Args:
        encoder: the model's tokenizer.
        facts: all of the same task and field, more than four.
        instruction: stands above the exemplars; may be empty.
        language: of the headings.
        seed: of the choice of exemplars; their file's order doesn't matter.
    """

    def __init__(
        self,
        encoder: PromptEncoder,
        facts: Sequence[Fact],
        *,
        instruction: str,
        language: Language,
        seed: int,
    ) -> None:
        self.encoder, self.language = encoder, language
        opening: list[int] = list(encoder.tokenizer("")["input_ids"])
        self._lead = opening + (self._ids(f"{instruction.strip()}\n\n") if instruction.strip() else [])
        self._pools = [_ranked(facts, seed, number)[:_POOL] for number in range(PROMPTS)]
        self._blocks: dict[Fact, list[int]] = {}

    def prompts(self, fact: Fact) -> list[list[int]]:
        """Return the ten prompts that ask for a fact, as tokens."""
        asked = self._asked(fact)
        return [
            [*self._lead, *(token for shot in _shots(pool, fact) for token in self._block(shot)), *asked]
            for pool in self._pools
        ]

    def answer(self, fact: Fact) -> list[int]:
        """Return the tokens of the expected answer as the exemplars write theirs, with what ends it."""
        space = " " if wording(self.language).colon.endswith(" ") else ""
        return self._ids(f"{space}{fact.answer}{2 * STOP}")

    def _block(self, shot: Fact) -> list[int]:
        if shot not in self._blocks:
            self._blocks[shot] = [*self._asked(shot), *self.answer(shot)]
        return self._blocks[shot]

    def _asked(self, fact: Fact) -> list[int]:
        question, answer = ("Question", "Answer") if self.language == "en" else ("问题", "答案")
        colon = wording(self.language).colon
        return self._ids(f"{question}{colon}{fact.question}\n{fact.field or answer}{colon.rstrip()}")

    def _ids(self, text: str) -> list[int]:
        return self.encoder.answer_ids(text)[:-1]  # without the end of the turn


def _ranked(facts: Sequence[Fact], seed: int, number: int) -> list[Fact]:
    return sorted(facts, key=lambda fact: (derive_seed(seed, number, *fact), fact))


def _shots(pool: Sequence[Fact], asked: Fact) -> list[Fact]:
    """Return four exemplars; none asks the same, and none has the same answer where others are left."""
    others = [fact for fact in pool if fact.question != asked.question]
    different = [fact for fact in others if fact.answer != asked.answer]
    return list(islice(different if len(different) >= SHOTS else others, SHOTS))
