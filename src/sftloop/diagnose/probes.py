"""Everything one task is asked, and the answers of one model to it.

Puts together the records that the other modules make; runs no model. Two models are compared on the same probes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sftloop.diagnose.interventions import evidence_alone, without_evidence
from sftloop.diagnose.traps import Trap, build_traps, own_traps
from sftloop.diagnose.variants import Aspect, Variant, variants_of
from sftloop.records import Prediction, Record, sample_records
from sftloop.scenario import Scenario, Task

STABILITY_RECORDS = 60
"""Records asked in other ways, spread over the labels: five ways of 60 cost as much as 300 records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What one task is asked."""

    task: Task
    records: Sequence[Record]
    validation: Sequence[Record] = ()
    """To choose a threshold on."""
    removed: Sequence[Record] = ()
    alone: Sequence[Record] = ()
    traps: Sequence[Trap] = ()
    """Generated ones and the user's own; the latter are among `records` too."""
    varied: Sequence[Record] = ()
    """Records asked in other ways."""
    variants: Sequence[Variant] = ()

    def generated(self) -> list[Record]:
        """Return the records that are asked beside the scenario's own, in its own wording."""
        own = {record.id for record in self.records}
        traps = [trap.record for trap in self.traps if trap.record.id not in own]
        return [*self.removed, *self.alone, *traps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One model's answers to the probes of a task."""

    records: Sequence[Prediction]
    validation: Sequence[Prediction] = ()
    generated: Sequence[Prediction] = ()
    varied: Mapping[str, tuple[Aspect, Sequence[Prediction]]] = field(default_factory=dict)
    """Variant or sample → its aspect and the answers."""

    def by_record(self, records: Sequence[Record]) -> dict[str, tuple[Record, Prediction]]:
        """Return id → record and answer."""
        answers = {answer.id: answer for answer in self.records}
        return {record.id: (record, answers[record.id]) for record in records}


def probes_of(
    scenario: Scenario,
    task: Task,
    records: Sequence[Record],
    validation: Sequence[Record],
    *,
    quick: bool,
    seed: int,
) -> Probes:
    """Return what to ask of one task.

    Args:
        scenario: of the task.
        task: one that claims something.
        records: those diagnosed, of any tasks.
        validation: to choose a threshold on, of any tasks; used where the task has a target for a label.
        quick: only the records themselves.
        seed: of what is drawn.
    """
    own = [record for record in records if record.task == task.name]
    chosen_on = [record for record in validation if record.task == task.name]
    if not (task.target and task.target.label):
        chosen_on = []
    traps = own_traps(task, own)
    if quick:
        return Probes(task=task, records=own, validation=chosen_on, traps=traps)
    removed = (without_evidence(task, record) for record in own)
    alone = (evidence_alone(task, record) for record in own)
    return Probes(
        task=task,
        records=own,
        validation=chosen_on,
        removed=[record for record in removed if record is not None],
        alone=[record for record in alone if record is not None],
        traps=[*build_traps(scenario, task, own, seed=seed), *traps],
        varied=sample_records(own, STABILITY_RECORDS, seed=seed),
        variants=variants_of(scenario, task),
    )
