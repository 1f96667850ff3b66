"""Short facts asked of a model, many side by side, until each has its class.

Knows a model, prompts and right answers; doesn't know records or how a class is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sftloop.core.progress import Progress
from sftloop.curate.knowledge.few_shot import SHOTS, STOP, Fact, FewShot
from sftloop.curate.knowledge.right_answer import is_right
from sftloop.curate.knowledge.slick import PROMPTS, Inquiry, Wanted
from sftloop.models.answer_chances import answer_chances
from sftloop.models.sample import write_answers
from sftloop.models.sampling import GREEDY, Sampling

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from sftloop.models import PromptEncoder
    from sftloop.scenario import Scenario

Kind = tuple[str, str | None]
"""Task and field: facts of one kind serve each other as exemplars."""
SAMPLING = Sampling(temperature=0.5, top_k=40)
"""The temperature is the paper's; 40 likeliest tokens keep a sample among sensible words."""


def few_shot_of(
    encoder: PromptEncoder, scenario: Scenario, facts: Sequence[Fact], seed: int
) -> dict[Kind, FewShot]:
    """Return the prompts of each kind of fact of which there are enough to ask one by the others."""
    kinds: dict[Kind, list[Fact]] = {}
    for fact in facts:
        kinds.setdefault((fact.task, fact.field), []).append(fact)
    return {
        kind: FewShot(
            encoder,
            own,
            instruction=scenario.tasks[kind[0]].instruction,
            language=scenario.language,
            seed=seed,
        )
        for kind, own in kinds.items()
        if len({fact.question for fact in own}) > SHOTS
    }


class Asker:
    """Facts, asked of a model until each has its class."""

    def __init__(
        self,
        model: PreTrainedModel,
        encoder: PromptEncoder,
        shots: Mapping[Kind, FewShot],
        seed: int,
    ) -> None:
        self.model, self.encoder, self.shots, self.seed = model, encoder, shots, seed

    def ask(self, facts: Sequence[Fact], progress: Progress) -> dict[Fact, Inquiry]:
        """Return the finished inquiries of those facts whose prompts fit the model's context.

        Args:
            facts: each asked as long as its class is open.
            progress: told of every fact that is done.
        """
        kinds = {fact: self.shots[fact.task, fact.field] for fact in facts}
        prompts = {fact: shots.prompts(fact) for fact, shots in kinds.items()}
        answers = {fact: shots.answer(fact) for fact, shots in kinds.items()}
        room = self.encoder.context_tokens or 1 << 30
        fitting = [f for f in facts if max(map(len, prompts[f])) + _room(answers[f]) <= room]
        chances = answer_chances(
            self.model,
            [prompt for fact in fitting for prompt in prompts[fact]],
            [answers[fact] for fact in fitting for _ in prompts[fact]],
            sampling=SAMPLING,
        )
        inquiries = {
            fact: Inquiry(chances[PROMPTS * place : PROMPTS * (place + 1)])
            for place, fact in enumerate(fitting)
        }
        left = len(facts)
        while wanted := {fact: own for fact, inquiry in inquiries.items() if (own := inquiry.wanted())}:
            progress.advance(left - len(wanted))
            left = len(wanted)
            for fact, result in self._write(wanted, prompts, answers).items():
                inquiries[fact].tell(result)
        progress.advance(left)
        return inquiries

    def _write(
        self,
        wanted: Mapping[Fact, list[Wanted]],
        prompts: Mapping[Fact, list[list[int]]],
        answers: Mapping[Fact, list[int]],
    ) -> dict[Fact, dict[Wanted, bool]]:
        """Write what is wanted and mark it: greedy answers, samples, and longer answers each in a go."""
        results: dict[Fact, dict[Wanted, bool]] = {fact: {} for fact in wanted}
        goes: dict[tuple[bool, int], dict[tuple[Fact, int], list[Wanted]]] = {}
        for fact, own in wanted.items():
            for want in own:
                go = goes.setdefault((want.sample is None, _room(answers[fact])), {})
                go.setdefault((fact, want.prompt), []).append(want)
        for (greedy, limit), go in goes.items():
            found = write_answers(
                self.model,
                self.encoder,
                [prompts[fact][prompt] for fact, prompt in go],
                numbers=[[want.sample or 0 for want in own] for own in go.values()],
                sampling=GREEDY if greedy else SAMPLING,
                stop=STOP,
                limit=limit,
                seed=self.seed,
            )
            for ((fact, _), own), answered in zip(go.items(), found, strict=True):
                for want, written in zip(own, answered, strict=True):
                    results[fact][want] = is_right(written.text, fact.answer)
        return results


def _room(answer: Sequence[int]) -> int:
    """Return the most tokens an answer may take, in steps: room for an article, or another spelling."""
    return 1 << (2 * len(answer) + 4).bit_length()
