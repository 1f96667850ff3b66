"""A model asked everything that a diagnosis needs, each answer on disk as it comes.

Chains a loaded model and the probes; holds no formula. A file per kind of question, so that an interrupted
diagnosis goes on from the last answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sftloop.core.rundir import RunDirectory
from sftloop.evaluate.predict import predict_records
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario
from sftloop.workflow.diagnose_sides import Side

if TYPE_CHECKING:
    from sftloop.diagnose.probes import Answered, Probes
    from sftloop.diagnose.variants import Aspect
    from sftloop.models import LocalModel


def ask(
    run: RunDirectory, scenario: Scenario, probes: Mapping[str, Probes], side: Side, *, quick: bool, seed: int
) -> dict[str, Answered]:
    """Return task → the model's answers.

    Args:
        run: gets `ROLE/*.jsonl`.
        scenario: gives the prompts.
        probes: task → what to ask.
        side: the model.
        quick: ask the records only, nothing otherwise or again.
        seed: of the samples.
    """
    from sftloop.models import LocalModel

    local = LocalModel.load(side.path, adapter=side.adapter, name=side.model)
    return {
        name: _ask_task(run, scenario, own, local, side.role, quick, seed) for name, own in probes.items()
    }


def _ask_task(
    run: RunDirectory,
    scenario: Scenario,
    probes: Probes,
    local: LocalModel,
    role: str,
    quick: bool,
    seed: int,
) -> Answered:
    from sftloop.diagnose.probes import Answered

    task = probes.task
    quotes = task.answer.evidence

    def labels_only(records: Sequence[Record], kind: str, asked: Scenario = scenario) -> list[Prediction]:
        """Score labels without writing the answer out; every scenario has tokens of its own."""
        return predict_records(
            _fresh(local, writes=False),
            asked,
            records,
            run.file(f"{role}/{kind}.jsonl"),
            label=_told(role, kind),
        )

    answers = predict_records(
        _fresh(local, writes=quotes),
        scenario,
        probes.records,
        run.file(f"{role}/answers.jsonl"),
        label=_told(role, "answers"),
    )
    validation = labels_only(probes.validation, "validation")
    generated = labels_only(probes.generated(), "probes")
    varied: dict[str, tuple[Aspect, Sequence[Prediction]]] = {}
    for variant in probes.variants:
        kind = f"{variant.aspect}-{variant.name}"
        varied[kind] = (variant.aspect, labels_only(probes.varied, kind, variant.scenario))
    if not quick and task.kind != "choice":
        varied |= _samples(run.file(role), scenario, probes, local, role, seed)
    return Answered(records=answers, validation=validation, generated=generated, varied=varied)


def _samples(
    place: Path, scenario: Scenario, probes: Probes, local: LocalModel, role: str, seed: int
) -> dict[str, tuple[Aspect, Sequence[Prediction]]]:
    """Draw further answers; those of a choice are known from its probabilities."""
    from sftloop.diagnose.sampled import SAMPLES, SampledModel

    found: dict[str, tuple[Aspect, Sequence[Prediction]]] = {}
    for number in range(1, SAMPLES + 1):
        kind = f"sample-{number}"
        drawn = SampledModel(local, number, seed)
        path = place / f"{kind}.jsonl"
        answers = predict_records(drawn, scenario, probes.varied, path, label=_told(role, kind))
        found[kind] = ("sampling", answers)
    return found


def _fresh(local: LocalModel, *, writes: bool) -> LocalModel:
    """Return the same model without remembered prompts: a variant has the task's name and other words."""
    from sftloop.models import LocalModel

    return LocalModel(local.model, local.encoder, local.name, write_choices=writes)


def _told(role: str, kind: str) -> str:
    return f"Asking ({role}, {kind})"
