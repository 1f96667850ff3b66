"""A task as tokens: the prefix all its prompts share, the tree of its labels, the room for its answer.

Joins the scenario's wording with one tokenizer; doesn't know the model's weights.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

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
_EVIDENCE_TOKENS, _REASON_TOKENS, _FIELD_TOKENS, _TEXT_TOKENS = 64, 64, 40, 256


@dataclass(frozen=True, slots=True)
class TaskTokens:
    """What one task looks like to one tokenizer."""

    scenario: Scenario
    task: Task
    encoder: PromptEncoder
    prefix: list[int]
    """Leading tokens of every prompt of the task."""
    tree: LabelTree | None
    """The labels' tokens (`choice` only)."""
    answer_limit: int
    """Most tokens the answer may take."""

    @classmethod
    def of(cls, scenario: Scenario, name: str, encoder: PromptEncoder) -> TaskTokens:
        """Tokenise a task once."""
        task = scenario.tasks[name]
        probes = [encoder.prompt_ids(prompt.messages) for prompt in probe_prompts(scenario, task)]
        prefix = probes[0][: common_prefix_length(probes)]
        tree = _label_tree(task, scenario.language, encoder) if task.kind == "choice" else None
        limit = task.max_answer_tokens or _answer_limit(task, scenario.language, encoder)
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

    def split(self, prompt: list[int]) -> int:
        """Return the prefix's length if the prompt begins with it (and goes on), else 0."""
        length = len(self.prefix)
        return length if len(prompt) > length and prompt[:length] == self.prefix else 0


def _label_tree(task: Task, language: Language, encoder: PromptEncoder) -> LabelTree:
    lead, _ = label_slots(task, language)
    wanted: dict[str, Sequence[int]] = {}
    for label in task.labels:
        answer = Answer(
            label=label,
            reason="" if task.answer.reason else None,
            evidence=() if task.answer.evidence else None,
        )
        written = json.dumps(label, ensure_ascii=False)[1:-1] if answer_format(task) == "json" else label
        wanted[label] = encoder.label_ids(format_answer(task, answer, language), len(lead) + len(written))
    return LabelTree.build(wanted)


def _answer_limit(task: Task, language: Language, encoder: PromptEncoder) -> int:
    """Room for the longest answer the task asks for, with something to spare."""
    limit = _SPARE_TOKENS
    if task.kind in {"choice", "multi"}:
        sizes = [len(encoder.answer_ids(label)) + 1 for label in task.labels]
        limit += max(sizes) if task.kind == "choice" else sum(sizes)
    limit += {"extract": _FIELD_TOKENS * len(task.fields), "generate": _TEXT_TOKENS, "score": 4}.get(
        task.kind, 0
    )
    if answer_format(task) == "json":
        limit += 16
    limit += _EVIDENCE_TOKENS if task.answer.evidence else 0
    limit += _REASON_TOKENS if task.answer.reason else 0
    return limit
