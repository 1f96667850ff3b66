"""What a prompt gets wrong, gathered by what is mistaken for what: the raw material of proposals.

A group holds the records of one task whose answer should be one label and is another, and those where it
nearly is. Works for tasks that choose one label or several, and that extract fields. Calls no model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sftloop.evaluate.field_values import same_values
from sftloop.evaluate.right import right_answers
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Task, parse_answer

KINDS = ("choice", "multi", "extract")
"""Kinds of tasks whose prompt holds definitions that can be wrong."""
UNSURE = 0.2
"""A right answer counts as unsure where its label leads the next one by less than this in probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One record of a group, as it is shown to whoever proposes."""

    id: str
    text: str
    gold: str
    answered: str
    """What the model answered; with an unsure answer, the right one."""
    reason: str
    """The model's own, empty where it gave none."""
    gold_reason: str
    """The record's, empty where it has none."""
    margin: float | None
    """By how much the most probable label leads the next; None without probabilities."""
    wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Records in which one label (or a field's value) is mistaken for another."""

    task: str
    gold: str | None
    """The label that is missed, or the field that is wrong; None: a label was given where none belongs."""
    answered: str | None
    """The label given in its place; None: nothing usable was."""
    cases: tuple[Case, ...]
    """Wrong ones first, the surest first."""

    @property
    def id(self) -> str:
        """Its name, the same in every round."""
        return f"{self.task}: {self.gold or '–'} → {self.answered or '–'}"

    @property
    def wrong(self) -> int:
        """How many are wrong."""
        return sum(case.wrong for case in self.cases)

    @property
    def unsure(self) -> int:
        """How many are right by a small margin."""
        return len(self.cases) - self.wrong

    @property
    def weight(self) -> float:
        """How much there is to gain: an unsure answer counts half."""
        return self.wrong + self.unsure / 2

    def to_json(self) -> dict[str, Any]:
        """Return the group as plain data."""
        head = {"id": self.id, "task": self.task, "gold": self.gold, "answered": self.answered}
        return head | {
            "wrong": self.wrong,
            "unsure": self.unsure,
            "cases": [asdict(case) for case in self.cases],
        }


def find_groups(
    scenario: Scenario, task: str, records: Sequence[Record], predictions: Sequence[Prediction]
) -> list[Group]:
    """Return a task's groups, the heaviest first.

    Args:
        scenario: the wording that was asked.
        task: its name.
        records: those asked.
        predictions: one per record; failed calls belong to no group.
    """
    spec, by_id = scenario.tasks[task], {one.id: one for one in predictions}
    right = right_answers(spec, records, predictions) or {}
    found: dict[tuple[str | None, str | None], list[Case]] = defaultdict(list)
    for record in records:
        if record.id not in right:
            continue
        for gold, answered, case in _mistakes(scenario, spec, record, by_id[record.id], right[record.id]):
            found[gold, answered].append(case)
    groups = [
        Group(task=task, gold=gold, answered=answered, cases=tuple(sorted(cases, key=_order)))
        for (gold, answered), cases in found.items()
    ]
    return sorted(groups, key=lambda group: (-group.weight, group.id))


def margin(prediction: Prediction) -> float | None:
    """Return by how much the most probable label leads the next one; None without probabilities."""
    table = sorted((prediction.probabilities or {}).values(), reverse=True)
    return table[0] - table[1] if len(table) > 1 else None


def _order(case: Case) -> tuple[bool, float, str]:
    lead = case.margin or 0.0
    return not case.wrong, -lead if case.wrong else lead, case.id


def _mistakes(
    scenario: Scenario, task: Task, record: Record, prediction: Prediction, right: bool
) -> Iterator[tuple[str | None, str | None, Case]]:
    """Yield (missed, given instead, the case) for everything that is wrong or nearly wrong with an answer."""
    if task.kind == "choice":
        yield from _of_choice(scenario, task, record, prediction, right)
    elif task.kind == "multi" and not right:
        yield from _of_multi(scenario, task, record, prediction)
    elif task.kind == "extract" and not right:
        yield from _of_extract(scenario, task, record, prediction)


def _of_multi(
    scenario: Scenario, task: Task, record: Record, prediction: Prediction
) -> Iterator[tuple[str | None, str | None, Case]]:
    """Pair each missed label with each needless one, and with nothing where there is none."""
    gold, given = record.labels(), set((prediction.answer.labels or ()) if prediction.answer else ())
    missed: list[str | None] = [label for label in task.labels if label in gold and label not in given]
    extra: list[str | None] = [label for label in task.labels if label in given and label not in gold]
    case = _case(scenario, task, record, prediction, _joined(gold), _joined(given), wrong=True)
    for one in missed or [None]:
        for other in extra or [None]:
            yield one, other, case


def _of_extract(
    scenario: Scenario, task: Task, record: Record, prediction: Prediction
) -> Iterator[tuple[str | None, str | None, Case]]:
    expected = record.answer.fields or {}
    given = (prediction.answer.fields if prediction.answer else None) or {}
    for name, field in task.fields.items():
        gold, answered = expected.get(name), given.get(name)
        if not same_values(gold, answered, field.type):
            yield (
                name,
                None,
                _case(scenario, task, record, prediction, _shown(gold), _shown(answered), wrong=True),
            )


def _of_choice(
    scenario: Scenario, task: Task, record: Record, prediction: Prediction, right: bool
) -> Iterator[tuple[str | None, str | None, Case]]:
    gold = record.answer.label or ""
    answered = prediction.answer.label if prediction.answer else None
    known = answered if answered in task.labels else None
    if not right:
        case = _case(scenario, task, record, prediction, gold, answered or prediction.text or "–", wrong=True)
        yield gold, known, case
        return
    lead, table = margin(prediction), prediction.probabilities or {}
    if lead is not None and lead < UNSURE:
        runner_up = max((label for label in table if label != gold), key=lambda label: table[label])
        yield gold, runner_up, _case(scenario, task, record, prediction, gold, gold, wrong=False)


def _case(
    scenario: Scenario,
    task: Task,
    record: Record,
    prediction: Prediction,
    gold: str,
    answered: str,
    *,
    wrong: bool,
) -> Case:
    return Case(
        id=record.id,
        text=record.text(),
        gold=gold,
        answered=answered,
        reason=_reason(scenario, task, prediction),
        gold_reason=record.answer.reason or "",
        margin=margin(prediction),
        wrong=wrong,
    )


def _reason(scenario: Scenario, task: Task, prediction: Prediction) -> str:
    """Return the model's reason, also where the label it wrote beside it isn't the most probable one."""
    if prediction.answer is not None and prediction.answer.reason:
        return prediction.answer.reason
    if not task.answer.reason or not prediction.text:
        return ""
    written = parse_answer(task, prediction.text, scenario.language).answer
    return (written.reason or "") if written else ""


def _joined(labels: Iterable[str]) -> str:
    return ", ".join(sorted(labels)) or "–"


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)
