"""One task's answers to its diagnosis: every figure in one plain dictionary.

Calls the modules that know the formulas; holds none, runs no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sftloop.core.seeds import derive_seed
from sftloop.diagnose.calibration import calibration, confidence_of
from sftloop.diagnose.claims import abstained, can_abstain, claims_of
from sftloop.diagnose.extracted import field_figures
from sftloop.diagnose.interventions import intervention_figures
from sftloop.diagnose.over_association import item_figures, unsupported_positives
from sftloop.diagnose.probes import Answered, Probes
from sftloop.diagnose.quotes import evidence_figures
from sftloop.diagnose.risk_coverage import risk_coverage
from sftloop.diagnose.threshold import METRICS, fewest_records, threshold_report
from sftloop.diagnose.traps import trap_figures
from sftloop.diagnose.variants import stability_figures
from sftloop.evaluate.abstention import abstain_labels, abstention
from sftloop.evaluate.align import Scored, align
from sftloop.evaluate.interval import small_n_note
from sftloop.evaluate.measures import BoolArray
from sftloop.evaluate.proportions import IntArray
from sftloop.evaluate.resample import FloatArray
from sftloop.records import Prediction, Record
from sftloop.scenario import Scenario, Task


def diagnose_task(scenario: Scenario, probes: Probes, answered: Answered, *, seed: int) -> dict[str, Any]:
    """Return what `diagnose hallucination --json` prints of one task.

    Args:
        scenario: of the task.
        probes: what was asked.
        answered: what one model answered.
        seed: of every bootstrap.

    Returns:
        {"kind", "n", "errors", "labels" (for `extract` the fields), "unsupported_positive_rate", "evidence",
        "abstention", "calibration", "risk_coverage", "threshold", "interventions", "traps", "stability"}; a part
        that the task or the model doesn't allow is None.
    """
    task = probes.task
    seed = derive_seed(seed, task.name, "diagnose")
    scored = align(task, probes.records, answered.records)
    originals = answered.by_record(probes.records)
    found: dict[str, Any] = {"kind": task.kind, "n": len(probes.records), "errors": scored.errors}
    if note := small_n_note(len(scored)):
        found["note"] = note
    claims = claims_of(task, scored)
    found["labels"] = item_figures(claims, seed=seed)
    found["unsupported_positive_rate"] = unsupported_positives(claims)
    if task.kind == "extract":
        found["labels"] = field_figures(task, scored, found["labels"])
    found["evidence"] = evidence_figures(task, scored)
    found["abstention"] = _abstention(task, scored)
    found |= _confidence(task, scored, seed)
    found["threshold"] = threshold(task, probes, answered)
    found["interventions"] = _interventions(task, probes, answered)
    answers = [*answered.generated, *answered.records]
    found["traps"] = trap_figures(scenario, task, probes.traps, answers, originals)
    asked = [(name, aspect, own) for name, (aspect, own) in answered.varied.items()]
    base = [originals[record.id][1] for record in probes.varied]
    found["stability"] = stability_figures(task, probes.varied, base, asked, seed=seed)
    return found


def threshold(task: Task, probes: Probes, answered: Answered) -> dict[str, Any] | None:
    """Return the probability from which the target's label is believed; None without a target for a label.

    Returns:
        {"metric", "label", "at_least", "chosen", "by_value", "why_not", "needed", "n"}: `chosen` reaches the
        target with the lower limit of its interval on validation, `by_value` with the value alone, each as
        `threshold_report`; `why_not` says why there is none: `metric`, `no_validation`, `no_probabilities` or
        `out_of_reach`. `needed` is the number of claims, all right, that could reach it; `n` the validation
        records that carry the label.
    """
    target = task.target
    if target is None or target.label is None:
        return None
    found: dict[str, Any] = {
        "metric": target.metric,
        "label": target.label,
        "at_least": target.at_least,
        "chosen": None,
        "by_value": None,
        "why_not": None,
        "needed": fewest_records(target.at_least),
        "n": sum(target.label in record.labels() for record in probes.validation),
    }
    if target.metric not in METRICS:
        return found | {"why_not": "metric"}
    if not probes.validation:
        return found | {"why_not": "no_validation"}
    chosen_on = _label_scores(task, target.label, probes.validation, answered.validation)
    reported_on = _label_scores(task, target.label, probes.records, answered.records)
    if chosen_on is None or reported_on is None:
        return found | {"why_not": "no_probabilities"}
    for name, bound in (("chosen", True), ("by_value", False)):
        found[name] = threshold_report(
            chosen_on, reported_on, metric=target.metric, at_least=target.at_least, bound=bound
        )
    return found if found["chosen"] else found | {"why_not": "out_of_reach"}


def _abstention(task: Task, scored: Scored) -> dict[str, Any] | None:
    if not len(scored) or task.kind == "extract" or not can_abstain(task):
        return None
    pairs = list(zip(scored.records, scored.predictions, strict=True))
    expected = [
        bool(set(record.labels()) & set(abstain_labels(task))) or not record.labels() for record, _ in pairs
    ]
    given = [abstained(task, prediction) for _, prediction in pairs]
    correct = [set(record.labels()) == _named(prediction) for record, prediction in pairs]
    return abstention(
        expected=np.array(expected, dtype=bool),
        given=np.array(given, dtype=bool),
        correct=np.array(correct, dtype=bool),
        clusters=scored.clusters,
    )


def _named(prediction: Prediction) -> set[str] | None:
    answer = prediction.answer
    if answer is None:
        return None
    return {answer.label} if answer.label is not None else set(answer.labels or ())


def _confidence(task: Task, scored: Scored, seed: int) -> dict[str, Any]:
    nothing = {"calibration": None, "risk_coverage": None}
    if task.kind != "choice" or not len(scored) or not all(p.probabilities for p in scored.predictions):
        return nothing
    labels = list(task.labels)
    table = np.array(
        [[(p.probabilities or {}).get(label, 0.0) for label in labels] for p in scored.predictions]
    )
    gold = np.array([labels.index(record.answer.label or "") for record in scored.records], dtype=np.int64)
    confidence, correct = confidence_of(table, gold)
    return {
        "calibration": calibration(table, gold, clusters=scored.clusters, seed=seed),
        "risk_coverage": risk_coverage(confidence, correct, clusters=scored.clusters, seed=seed),
    }


def _label_scores(
    task: Task, label: str, records: Sequence[Record], predictions: Sequence[Prediction]
) -> tuple[FloatArray, BoolArray, IntArray | None] | None:
    scored = align(task, records, predictions)
    if not len(scored) or not all(p.probabilities for p in scored.predictions):
        return None
    scores = np.array([(p.probabilities or {}).get(label, 0.0) for p in scored.predictions])
    is_label = np.array([label in record.labels() for record in scored.records], dtype=bool)
    return scores, is_label, scored.clusters


def _interventions(task: Task, probes: Probes, answered: Answered) -> Mapping[str, Any] | None:
    if not probes.removed and not probes.alone:
        return None
    originals = answered.by_record(probes.records)
    return intervention_figures(task, originals, probes.removed, probes.alone, answered.generated)
