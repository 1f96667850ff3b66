"""Lint of a task by itself: definitions, documents, abstention, instruction and answer format.

Knows the scenario only. A task counts as a judgement, and should offer a label for "the input doesn't
say", when it is a `choice` and one of these holds: its answer asks for evidence; its instruction puts a
yes-no question (English: whether, "judge", or a sentence that opens with a verb such as is, does, has or
can and ends with "?"; Chinese: 是否, 有没有, 是不是, 能否, 有无 …, or a question that ends with 吗); its
labels are yes and no.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from unicodedata import category

from sftloop.scenario.finding import Finding, Severity, task_finding
from sftloop.scenario.recover import folded
from sftloop.scenario.schema import Scenario, Task
from sftloop.scenario.similarity import ngram_similarity, word_count

SIMILAR = 0.8
"""Two definitions that share this part of their character 3-grams (Dice) count as near-identical."""
FEW_WORDS = 3
"""A definition of fewer words than this says little more than the label's name."""

_YES_NO_ENGLISH = re.compile(
    r"\bwhether\b|\bjudge\b|(^|[.:;!?]\s+)"
    r"(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b[^.?!]*\?",
    re.IGNORECASE,
)
_YES_NO_CHINESE = re.compile(r"是否|有没有|是不是|能否|可否|有无|会不会|能不能|吗[？?]?\s*[。.]?$")
_YES_NO_LABELS = (
    {"yes", "no"},
    {"true", "false"},
    {"是", "否"},
    {"是", "不是"},
    {"有", "没有"},
    {"有", "无"},
)
_ABSTAINING = re.compile(
    r"can.?t.?(tell|say|know)|cannot|unknown|unclear|not.(sure|stated|given)|undecided"
    r"|无法|不确定|不清楚|未知|不明|未提及",
    re.IGNORECASE,
)
_ASKS_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_ASKS_REASON = re.compile(
    r"\bexplain\b|\b(give|state|add|with) (a|the|your|one)( short| brief)? (reason|explanation)"
    r"|说明(理由|原因)|给出(理由|原因)|并解释",
    re.IGNORECASE,
)


def check_task(scenario: Scenario, task: Task) -> Iterator[Finding]:
    """Yield everything that weakens one task."""
    for check in (
        _instruction,
        _labels,
        _labels_alike,
        _similar_labels,
        _documents,
        _abstention,
        _answer_format,
    ):
        yield from check(scenario, task)


def _instruction(scenario: Scenario, task: Task) -> Iterator[Finding]:
    if not task.instruction.strip():
        yield task_finding(
            scenario,
            task,
            "no_instruction",
            "error",
            "The task has no instruction, so the model sees an input and isn't told what to do with it.",
            "Add `instruction:` with the question in one sentence.",
        )


def _labels(scenario: Scenario, task: Task) -> Iterator[Finding]:
    for name, label in task.labels.items():
        at = ("labels", name)
        means = label.means.strip()
        if not means:
            yield task_finding(
                scenario,
                task,
                "no_definition",
                "error",
                f"The label '{name}' has no definition, so its name is all the model goes by.",
                "Say in one or two sentences when it applies (`means:`).",
                at=at,
                label=name,
            )
        elif word_count(means) < FEW_WORDS or means.casefold() == name.casefold():
            yield task_finding(
                scenario,
                task,
                "short_definition",
                "warning",
                f"The definition of '{name}' ('{means}') says little more than the name; "
                "what falls just inside or outside it is left to the model's guess.",
                "Write one or two sentences, and near misses under `not:`.",
                at=at,
                label=name,
            )


def _labels_alike(scenario: Scenario, task: Task) -> Iterator[Finding]:
    """Names that differ in case, width or invisible characters only: a reader can't tell them apart either."""
    seen: dict[str, str] = {}
    for name in task.labels:
        plain = "".join(c for c in folded(name) if category(c) != "Cf").strip()
        first = seen.setdefault(plain, name)
        if first != name:
            yield task_finding(
                scenario,
                task,
                "labels_alike",
                "warning",
                f"The labels '{first}' and '{name}' differ in case, width or invisible characters only; a written "
                "answer that hits neither exactly can't be read.",
                "Give them names that differ in letters.",
                at=("labels", name),
                label=name,
            )


def _similar_labels(scenario: Scenario, task: Task) -> Iterator[Finding]:
    defined = [(name, label.means.strip()) for name, label in task.labels.items() if label.means.strip()]
    for (first, one), (second, other) in combinations(defined, 2):
        share = ngram_similarity(one, other)
        if share < SIMILAR:
            continue
        yield task_finding(
            scenario,
            task,
            "similar_definitions",
            "error" if share == 1 else "warning",
            f"The definitions of '{second}' and '{first}' are "
            f"{'the same' if share == 1 else f'nearly the same ({share:.0%} of their 3-grams shared)'}; "
            "a model, a small one above all, will mix the two labels up.",
            "Say in each what sets it apart from the other, add a `not:` rule, or merge them.",
            at=("labels", second),
            label=second,
        )


def _documents(scenario: Scenario, task: Task) -> Iterator[Finding]:
    for part in task.input:
        if part.prefix is not None and part.prefix.strip():
            continue
        if part.many:
            what = f"The documents in '{part.name}' have no prefix of their own"
            mend = 'Name what they are and number them, for example `prefix: "Post {n}"`.'
        elif len(task.input) > 1:
            what = f"'{part.name}' is one of {len(task.input)} inputs and has no prefix"
            mend = "Say what it is, for example `prefix: Question`."
        else:
            continue
        stand_in = task.words(scenario.language).document if part.many else part.name
        yield task_finding(
            scenario,
            task,
            "unprefixed_documents",
            "warning",
            f"{what}; where one text ends and the next begins, and what each is, stays unclear "
            f"('{stand_in}' stands in for it).",
            mend,
            at=("input",),
        )


def is_judgement(task: Task) -> bool:
    """Whether a task asks for a verdict that the input may leave open (the rule is in the module's text)."""
    if task.kind != "choice":
        return False
    instruction = task.instruction.strip()
    firm = {name.casefold() for name, label in task.labels.items() if not label.abstain}
    return (
        task.answer.evidence
        or firm in _YES_NO_LABELS
        or bool(_YES_NO_ENGLISH.search(instruction))
        or bool(_YES_NO_CHINESE.search(instruction))
    )


def _abstention(scenario: Scenario, task: Task) -> Iterator[Finding]:
    if not is_judgement(task) or any(label.abstain for label in task.labels.values()):
        return
    candidate = next((name for name in task.labels if _ABSTAINING.search(name)), None)
    mend = (
        f"Mark '{candidate}' with `abstain: true`, so that abstentions are counted apart."
        if candidate
        else "Add a label for inputs that don't say, with `abstain: true` and its own definition."
    )
    yield task_finding(
        scenario,
        task,
        "no_abstain",
        "warning",
        "The task asks for a judgement and no label stands for 'the input doesn't say', so the model must "
        "guess there; that is where over-association comes from.",
        mend,
        at=("labels", candidate) if candidate else ("labels",),
        label=candidate,
    )


def _answer_format(scenario: Scenario, task: Task) -> Iterator[Finding]:
    def finding(severity: Severity, why: str, mend: str, *at: str) -> Finding:
        return task_finding(scenario, task, "answer_format", severity, why, mend, at=at)

    if task.kind == "score" and task.range is None:
        yield finding(
            "error",
            "The score has no range, so the model isn't told which numbers are allowed or which end is good.",
            "Add `range: [1, 5]` and say in the instruction what the ends mean.",
        )
    for name, field in task.fields.items():
        if not field.means.strip():
            yield finding(
                "warning",
                f"The field '{name}' has no definition, so its name is all the model goes by.",
                "Say in one sentence what belongs into it (`means:`).",
                "fields",
                name,
            )
    if task.written_as == "plain" and _ASKS_JSON.search(task.instruction):
        yield finding(
            "error",
            "The instruction asks for JSON, the answer format asks for plain text; the model can't do both.",
            "Set `answer: {format: json}` or take JSON out of the instruction.",
            "instruction",
        )
    if "reason" not in task.extras and task.kind != "generate" and _ASKS_REASON.search(task.instruction):
        yield finding(
            "error",
            "The instruction asks for a reason, the answer format has no room for one.",
            "Set `answer: {reason: true}` or take the reason out of the instruction.",
            "instruction",
        )
