"""A task as tokens: the prefix all its prompts share, the tree of its labels, the room for its answer.

Joins the scenario's wording with one tokenizer; doesn't know the model's weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.models.encode import PromptEncoder, common_prefix_length
from sftloop.models.label_tree import LabelTree
from sftloop.records import Record
from sftloop.scenario import (
    Answer,
    Language,
    Scenario,
    Task,
    answer_format,
    format_answer,
    label_slots,
    probe_prompts,
    render_prompt,
)

_SPARE_TOKENS = 8
_FIELD_TOKENS, _TEXT_TOKENS = 40, 256
_BESIDE_TOKENS = {"evidence": 64, "reason": 64}


@dataclass(frozen=True, slots=True)
class TaskTokens:
    """What one task looks like to one tokenizer."""

    scenario: Scenario
    task: Task
    encoder: PromptEncoder
    prefix: list[int]
    """Leading tokens of every prompt of the task."""
    tree: LabelTree | None
    """The labels' tokens (`choice` only): behind the prompt, or behind what `head` returns."""
    answer_limit: int
    """Most tokens the answer may take."""

    @classmethod
    def of(cls, scenario: Scenario, name: str, encoder: PromptEncoder) -> TaskTokens:
        """Tokenise a task once."""
        task = scenario.tasks[name]
        probes = [encoder.prompt_ids(prompt.messages) for prompt in probe_prompts(scenario, task)]
        prefix = probes[0][: common_prefix_length(probes)]
        tree = _label_tree(task, scenario.language, encoder) if task.kind == "choice" else None
        limit = answer_room(task, scenario.language, encoder)
        return cls(scenario, task, encoder, prefix, tree, limit)

    @property
    def language(self) -> Language:
        """The language of the built-in wording."""
        return self.scenario.language

    def prompt(self, record: Record) -> list[int]:
        """Return the record's whole prompt as tokens."""
        return self.encoder.prompt_ids(render_prompt(self.scenario, self.task, record.input).messages)

    def target(self, record: Record) -> list[int]:
        """Return the tokens the model must learn to write: the answer and the end of the turn."""
        return self.encoder.answer_ids(format_answer(self.task, record.answer, self.language))

    def beyond_room(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Return which answers no evaluation lets the model write to their end, the longest first.

        Args:
            sizes: record's id → tokens of its answer, the end of the turn among them.
        """
        long = {name: size for name, size in sizes.items() if size > self.answer_limit}
        return dict(sorted(long.items(), key=lambda item: -item[1]))

    def head(self, written: str) -> list[int]:
        """Return what stands in front of the labels' tokens where evidence or reason come before the label.

        That is what the model wrote up to there; an empty reason where it didn't get as far as a label.
        """
        as_json = self.task.written_as == "json"
        at = written.rfind('"label":' if as_json else "\nlabel:")
        opening = written[:at].rstrip() if at > 0 else ""
        if not opening:
            return self.encoder.text_ids(_before_label(self.task, self.language))
        return self.encoder.text_ids(opening if as_json else f"{opening}\n")

    def split(self, prompt: list[int]) -> int:
        """Return the prefix's length if the prompt begins with it (and goes on), else 0."""
        length = len(self.prefix)
        return length if len(prompt) > length and prompt[:length] == self.prefix else 0


def _label_tree(task: Task, language: Language, encoder: PromptEncoder) -> LabelTree:
    lead, slots = label_slots(task, language)
    closing = 0 if task.written_as == "plain" else len('"}')
    closing += bool(task.in_lines and task.extras and not task.reasons_first)
    start = len(_before_label(task, language)) if task.reasons_first else 0
    wanted: dict[str, Sequence[int]] = {}
    for label, slot in slots.items():
        answer = format_answer(task, _bare_answer(task, label), language)[start:]
        end = len(lead) - (1 if task.reasons_first else 0) + len(slot) - closing
        wanted[label] = encoder.label_ids(answer, end)
    return LabelTree.build(wanted)


def _bare_answer(task: Task, label: str) -> Answer:
    """Return an answer with a label and nothing to say beside it."""
    given: dict[str, Any] = {"reason": "", "evidence": ()}
    return Answer(label=label, **{key: given[key] for key in task.extras})


def _before_label(task: Task, language: Language) -> str:
    """Return how an answer begins that gives neither evidence nor reason first, up to a token's likely start.

    In JSON the space in front of the label's key goes with it, in lines the line break with what ends there.
    """
    lead, slots = label_slots(task, language)
    label, slot = next(iter(slots.items()))
    whole = format_answer(task, _bare_answer(task, label), language)
    return whole[: len(whole) - len(slot) - len(lead) + 1]


def answer_room(task: Task, language: Language, encoder: PromptEncoder) -> int:
    """Return the tokens kept free for an answer: what the task says, or the longest it asks for and a few more."""
    if task.max_answer_tokens:
        return task.max_answer_tokens
    limit = _SPARE_TOKENS
    if task.kind in {"choice", "multi"}:
        sizes = [len(encoder.answer_ids(label)) + 1 for label in task.written_labels.values()]
        limit += max(sizes) if task.kind == "choice" else sum(sizes)
    limit += {"extract": _FIELD_TOKENS * len(task.fields), "generate": _TEXT_TOKENS, "score": 4}.get(
        task.kind, 0
    )
    if answer_format(task) == "json" or task.in_lines:
        limit += 16
    return limit + sum(_BESIDE_TOKENS[key] for key in task.extras)
