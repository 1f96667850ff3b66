"""A group of mistakes becomes a question to the writer, and its answer becomes one change.

The question is a prompt like any other: an extract task of a scenario of its own, so that local models and
services are asked alike and what they wrote is read alike. Doesn't judge a proposal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.core.files import sha256_json
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario, Task, Wording, wording
from sftloop.scenario.yaml_edit import Change, ChangedPart
from sftloop.workflow.improve_groups import Case, Group
from sftloop.workflow.improve_wording import REQUEST_WORDS, RequestWords

TASK = "proposal"
_CASES = 4
"""Records shown: more make the question long and the answer no better."""
_CHARACTERS = 500
"""Of one record's text."""
_MOST_DEFINITIONS = 20
"""Up to so many labels all definitions are shown, beyond only those in question."""
_ANSWER_TOKENS = 224
_EARLIER = 4
_QUOTES = "\"'“”‘’"
_HEADING = re.compile(r"([^:：]{1,60})[:：]\s*(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One thing that the writer may change."""

    name: str
    part: ChangedPart
    now: str
    """The present definition; empty for what is added."""

    def change(self, task: Task, text: str) -> Change:
        """Return the change with its text."""
        group: Any = "fields" if task.kind == "extract" else "labels"
        return Change(task=task.name, name=self.name, part=self.part, text=text, group=group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A proposal that was made for the same group, and how it ended."""

    name: str
    part: str
    text: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to the writer."""

    scenario: Scenario
    record: Record
    options: tuple[Option, ...]


def options_of(task: Task, group: Group) -> list[Option]:
    """Return what could be changed against a group's mistakes, the likeliest to help first."""
    if task.kind == "extract":
        assert group.gold is not None
        return [Option(name=group.gold, part="means", now=task.fields[group.gold].means)]
    wanted: list[tuple[str | None, ChangedPart]] = [
        (group.gold, "means"),
        (group.answered, "not"),
        (group.gold, "examples"),
        (group.answered, "means"),
    ]
    return [
        Option(name=name, part=part, now=task.labels[name].means if part == "means" else "")
        for name, part in wanted
        if name is not None
    ]


def build_request(
    scenario: Scenario, group: Group, options: Sequence[Option], earlier: Sequence[Earlier], model: str
) -> Request:
    """Return the question for one group.

    Args:
        scenario: the prompt as it is now.
        group: what goes wrong.
        options: what may be changed.
        earlier: what was proposed for this group before.
        model: the writer's name.
    """
    task, words = scenario.tasks[group.task], REQUEST_WORDS[scenario.language]
    texts: dict[str, str | list[str]] = {
        "question": task.instruction.strip() or task.name,
        "definitions": _definitions(task, group, wording(scenario.language)),
        "mistake": _mistake(task, group, words),
        "records": [_case(case, words) for case in group.cases[:_CASES]],
        "changes": [words.changes[one.part].format(name=one.name) for one in options],
        "earlier": [_earlier(one, words) for one in earlier[-_EARLIER:]],
    }
    asked = _scenario(scenario, words, model)
    spec = asked.tasks[TASK]
    number = sha256_json([scenario.language, asked.system, spec.instruction, texts])[:16]
    record = Record(id=number, task=TASK, input=texts, answer=Answer(fields={}))
    return Request(scenario=asked, record=record, options=tuple(options))


def read_proposal(request: Request, answer: Prediction) -> tuple[Option | None, str, str]:
    """Return the chosen option, the new text on one line, and the writer's why; no option: it can't be read."""
    fields = (answer.answer.fields if answer.answer else None) or {}
    text = _own_words(request, " ".join(str(fields.get("text") or "").split())).strip(_QUOTES + " ")
    why = " ".join(str(fields.get("why") or "").split())
    return _chosen(request, fields.get("change")), text, why


def _own_words(request: Request, text: str) -> str:
    """Return what was written without what surrounds it: a heading with the label's name, an earlier outcome."""
    outcomes = "|".join(map(re.escape, REQUEST_WORDS[request.scenario.language].outcomes.values()))
    text = re.sub(rf"\s*[(（](?:{outcomes})[)）]\s*$", "", text, flags=re.IGNORECASE)
    names = "|".join(re.escape(one.name) for one in request.options)
    named = re.compile(rf"[{_QUOTES}\s]*(?:{names})[{_QUOTES}\s]*|.*[{_QUOTES}](?:{names})[{_QUOTES}].*")
    while (found := _HEADING.match(text)) and named.fullmatch(found[1]):
        text = found[2]
    return text


def _chosen(request: Request, number: Any) -> Option | None:
    if isinstance(number, str):
        digits = re.findall(r"\d+", number)
        number = int(digits[0]) if len(digits) == 1 else None
    if number is None and len(request.options) == 1:
        return request.options[0]
    whole = isinstance(number, int | float) and float(number).is_integer()
    place = int(number) - 1 if whole and number is not None else -1
    return request.options[place] if 0 <= place < len(request.options) else None


def _scenario(own: Scenario, words: RequestWords, model: str) -> Scenario:
    """Return the scenario in which the writer is asked."""
    inputs = [
        {"name": "question", "prefix": words.question},
        {"name": "definitions", "prefix": words.definition, "many": True},
        {"name": "mistake", "prefix": words.mistake},
        {"name": "records", "prefix": words.record, "many": True},
        {"name": "changes", "prefix": words.change, "many": True},
        {"name": "earlier", "prefix": words.earlier, "many": True},
    ]
    fields: Mapping[str, Any] = {
        "change": {"means": words.field_change, "type": "number"},
        "text": words.field_text,
        "why": words.field_why,
    }
    task = {
        "kind": "extract",
        "input": inputs,
        "instruction": words.instruction,
        "fields": fields,
        "max_answer_tokens": _ANSWER_TOKENS,
    }
    return Scenario.model_validate(
        {
            "name": "proposals",
            "language": own.language,
            "model": model,
            "system": words.system,
            "tasks": {TASK: task},
        }
    )


def _definitions(task: Task, group: Group, words: Wording) -> list[str]:
    """Return the definitions as the model reads them, each on one line."""
    if task.kind == "extract":
        return [f"{name}{words.colon}{field.means}" for name, field in task.fields.items()]
    named = (group.gold, group.answered)
    every = len(task.labels) <= _MOST_DEFINITIONS
    rows = []
    for name, label in task.labels.items():
        if not every and name not in named:
            continue
        parts = [f"{name}{words.colon}{label.means}"]
        for lead, items in ((words.not_lead, label.not_), (words.examples_lead, label.examples)):
            if items:
                parts.append(lead + words.list_join.join(items))
        rows.append(" ".join(parts))
    return rows


def _mistake(task: Task, group: Group, words: RequestWords) -> str:
    if task.kind == "extract":
        sentence = words.wrong_field
    elif group.gold is None:
        sentence = words.needless
    elif group.answered is not None:
        sentence = words.confused
    else:
        sentence = words.missed if task.kind == "multi" else words.unusable
    return sentence.format(gold=group.gold, answered=group.answered)


def _case(case: Case, words: RequestWords) -> str:
    text = case.text if len(case.text) <= _CHARACTERS else case.text[:_CHARACTERS] + "…"
    lines = [text, words.right.format(gold=case.gold)]
    if case.gold_reason:
        lines.append(words.why_right.format(reason=case.gold_reason))
    lines.append((words.given if case.wrong else words.barely).format(answered=case.answered))
    if case.reason:
        lines.append(words.reason.format(reason=case.reason))
    return "\n".join(lines)


def _earlier(one: Earlier, words: RequestWords) -> str:
    change = words.changes[one.part].format(name=one.name)
    outcome = words.outcomes.get(one.outcome, words.outcomes["tested"])
    return words.outcome.format(change=change, text=one.text, outcome=outcome)
