"""Which of the tested changes is taken: better by the paired test, no anchor lost, no label less precise.

All proposals of a round are compared with the same prompt; Holm's correction runs over them, times the number of
rounds that were asked for, so that one or more wrong acceptances in a whole run stay below the level. Calls
no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sftloop.evaluate import paired_comparison
from sftloop.evaluate.failed_calls import too_many_failed
from sftloop.evaluate.holm import ALPHA, corrected_verdict, holm
from sftloop.evaluate.label_precision import precision_changes
from sftloop.evaluate.minimum_detectable import detectable_share, reach
from sftloop.evaluate.right import right_answers
from sftloop.records import Prediction, Record
from sftloop.scenario import Task
from sftloop.workflow.improve_groups import UNSURE, margin

ANCHOR_TAGS = ("anchor", "reviewed")
"""Records that carry one of these must stay right."""
_KEPT = (
    "metric",
    "before",
    "after",
    "difference",
    "low",
    "high",
    "p",
    "test",
    "n",
    "verdict",
    "wins",
    "losses",
)


def compare(
    task: Task,
    records: Sequence[Record],
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    *,
    seed: int,
    tests: int,
) -> dict[str, Any]:
    """Compare a changed prompt with the present one on the same records.

    Args:
        task: whose prompt changed.
        records: the held-out ones.
        before: the present prompt's answers.
        after: the changed prompt's.
        seed: of the bootstrap.
        tests: how many are corrected for; sets what difference could have been found.

    Returns:
        The comparison by the task's primary metric, with "detectable" as in `Reach`, "failed" (calls),
        "anchors" (ids of those lost) and "precision" (labels compared).
    """
    found = paired_comparison(task, records, before, after, seed=seed)
    able = reach(found, alpha=ALPHA / max(tests, 1))
    return {
        **{key: found[key] for key in _KEPT if key in found},
        "detectable": able.detectable,
        "failed": found["errors"]["excluded"],
        "anchors": lost_anchors(task, records, before, after),
        "precision": precision_changes(task, records, before, after, seed=seed),
    }


def is_tagged_anchor(record: Record) -> bool:
    """Whether a record is marked as one that must stay right."""
    return any(tag in ANCHOR_TAGS for tag in record.tags)


def lost_anchors(
    task: Task, records: Sequence[Record], before: Sequence[Prediction], after: Sequence[Prediction]
) -> list[str]:
    """Return the anchors that were right before and are wrong after.

    Anchors are the tagged records and, in a key task, every right answer that wasn't a toss-up: its label led the
    next by `UNSURE` at least, or there are no probabilities to say.
    """
    was, now = right_answers(task, records, before) or {}, right_answers(task, records, after) or {}
    margins = {one.id: margin(one) for one in before if one.task == task.name}
    lost = []
    for record in records:
        if not was.get(record.id) or now.get(record.id, True):
            continue
        lead = margins[record.id]
        sure = lead is None or lead >= UNSURE
        if is_tagged_anchor(record) or (task.key and sure):
            lost.append(record.id)
    return lost


def corrected(p_values: Sequence[float], rounds: int) -> list[float]:
    """Return the p-values of one round's tests, corrected for them and for the number of rounds."""
    return [min(1.0, rounds * p) for p in holm(p_values)]


def judge(test: Mapping[str, Any], p_adjusted: float) -> str:
    """Return how a test ends: accepted, inconclusive, worse, failed, anchors or precision."""
    if test["n"] == 0 or too_many_failed(test["failed"], test["n"] + test["failed"]):
        return "failed"
    if test["verdict"] == "worse":
        return "worse"
    if corrected_verdict(test, p_adjusted) != "better":
        return "inconclusive"
    if test["anchors"]:
        return "anchors"
    if any(row["verdict"] == "worse" for row in test["precision"]):
        return "precision"
    return "accepted"


def smallest_detectable(tests: Sequence[Mapping[str, Any]], n: int, *, planned: int) -> float | None:
    """Return what difference one task's tests could have found 8 times in 10.

    Args:
        tests: those made; the least able one counts.
        n: held-out records, for where no test was made: then of two prompts that would disagree only where one of
            them is better.
        planned: tests that the correction would be for.
    """
    known = [test["detectable"] for test in tests if test["detectable"] is not None]
    return max(known) if known else detectable_share(n, 0.0, alpha=ALPHA / max(planned, 1))
