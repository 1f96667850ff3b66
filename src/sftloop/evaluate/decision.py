"""Which of the compared systems to use: a few rules over targets, verdicts and what each kind asks of its owner.

The simplest kind that is good enough wins: a classifier on words needs no language model at all, a model as it is
needs no training, a fine-tuned one runs on one's own machine, an API costs money with every record and sees the
data. "Good enough" is the scenario's targets, or, where it has none, neither being told apart from the best nor
trailing it far: on few records nothing is told apart from anything. Finds the decision; words for it are
elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

SystemKind = Literal["classifier", "model", "adapter", "api"]
SIMPLEST_FIRST: tuple[SystemKind, ...] = ("classifier", "model", "adapter", "api")
MARGIN = 0.05
"""Of a share, or as part of the best value of any other metric: what a simpler system may cost, at most."""
Rule = Literal["meets", "misses", "best", "as_good", "split", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One system, as far as the decision depends on it."""

    name: str
    kind: SystemKind
    ranks: Mapping[str, int]
    """Task → place by the primary metric, 1 is the best; only tasks that the system answered."""
    met: Mapping[str, bool] = field(default_factory=dict)
    """Task → whether its target is reached; only tasks with one."""
    sure: Mapping[str, bool] = field(default_factory=dict)
    """The same for the worse end of the interval."""
    worse: Collection[str] = ()
    """Tasks on which it is worse than the best system."""
    behind: Collection[str] = ()
    """Tasks on which it isn't told apart from the best, but trails it by more than `MARGIN`."""
    seconds: float | None = None
    """Median per record."""
    needs_model: bool = True
    """Whether a language model must be there; words alone are simpler than a classifier on hidden states."""

    @property
    def mean_rank(self) -> float:
        """The mean place over its tasks."""
        return sum(self.ranks.values()) / max(len(self.ranks), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to use, by which rule, and what else the reader should know."""

    choice: str | None
    """None: nothing is good enough."""
    rule: Rule
    """meets, misses: the targets. best; as_good: not told apart from the best, and simpler. split: no system is
    among the best on every task. nothing: no system answers every task."""
    leader: str | None
    """The best by mean place, without targets of those that are level with the best of every task, if any are;
    where targets are missed, the nearest to them."""
    also: tuple[str, ...] = ()
    """Other systems that are good enough."""
    unsettled: tuple[str, ...] = ()
    """Systems far behind the best that so few records can't tell apart from it."""
    fine_tune: str | None = None
    """The base to fine-tune next, where no fine-tuned one was compared and that might spare the API, reach the
    target or, where none is stated, do better."""


def decide(candidates: Sequence[Candidate], tasks: Sequence[str], targets: Collection[str]) -> Decision:
    """Return the decision.

    Args:
        candidates: the systems; those that can't answer every task are never chosen.
        tasks: what was compared.
        targets: the tasks that state a target.
    """
    whole = sorted((one for one in candidates if set(one.ranks) >= set(tasks)), key=_place)
    if not whole:
        return Decision(choice=None, rule="nothing", leader=None)
    if targets:
        return _by_targets(whole, targets)
    equal = [one for one in whole if not one.worse and not one.behind]
    if not equal:
        fewest = min(whole, key=lambda one: (len(one.worse), len(one.behind), _place(one)))
        return _chosen(fewest, "split", whole[0], [], whole)
    chosen = _simplest(equal)
    rule: Rule = "best" if chosen is equal[0] else "as_good"
    return _chosen(chosen, rule, equal[0], equal, whole)


def _by_targets(whole: Sequence[Candidate], targets: Collection[str]) -> Decision:
    good = [one for one in whole if all(one.met.get(task) for task in targets)]
    if not good:
        nearest = min(whole, key=lambda one: (-sum(bool(one.met.get(task)) for task in targets), _place(one)))
        return Decision(choice=None, rule="misses", leader=nearest.name, fine_tune=_base_to_tune(whole))
    unharmed = [one for one in good if not set(one.worse) - set(targets)]
    return _chosen(_simplest(unharmed or good), "meets", whole[0], good, whole)


def _chosen(
    chosen: Candidate, rule: Rule, leader: Candidate, good: Sequence[Candidate], whole: Sequence[Candidate]
) -> Decision:
    return Decision(
        choice=chosen.name,
        rule=rule,
        leader=leader.name,
        also=tuple(one.name for one in good if one is not chosen),
        unsettled=tuple(one.name for one in whole if one.behind and not one.worse and one is not chosen),
        fine_tune=_base_to_tune(whole) if chosen.kind == "api" or rule != "meets" else None,
    )


def _simplest(good: Sequence[Candidate]) -> Candidate:
    """Return the simplest kind's best: sure of its targets first, then by place, then the faster."""
    return min(
        good,
        key=lambda one: (
            SIMPLEST_FIRST.index(one.kind),
            one.needs_model,
            not all(one.sure.values()),
            _place(one),
        ),
    )


def _base_to_tune(whole: Sequence[Candidate]) -> str | None:
    if any(one.kind == "adapter" for one in whole):
        return None
    return next((one.name for one in whole if one.kind == "model"), None)


def _place(one: Candidate) -> tuple[Any, ...]:
    return one.mean_rank, float("inf") if one.seconds is None else one.seconds, one.name
