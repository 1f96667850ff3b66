"""The selection's first screen: what it is worth, in a sentence.

Compares saved verdicts to choose the sentence; computes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sftloop.report.figures import Figures
from sftloop.report.verdict import named_in_sentence
from sftloop.report.wording import Words
from sftloop.report.wording.select_words import SelectWords

Proof = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The first screen."""

    headline: str
    lead: str


def selection_outcome(selection: Mapping[str, Any], shared: Words, words: SelectWords) -> Outcome:
    """Return the first screen of a selection."""
    proofs = [proof for proof in proofs_of(selection) if proof.get("verdicts")]
    join = shared.verdict.sentence_join
    if not proofs:
        covering = _covering(selection, shared, words) if selection["mode"] == "prune" else ""
        return Outcome(headline=_kept(selection, words) + covering, lead=words.outcome.unproven)
    headline = _one_task(proofs[0], shared, words) if len(proofs) == 1 else _tasks(proofs, shared, words)
    lead = [_measured(proofs, shared, words), _took(selection, shared, words)]
    headline = headline.strip()
    return Outcome(headline=headline[:1].upper() + headline[1:], lead=join.join(filter(None, lead)))


def proofs_of(selection: Mapping[str, Any]) -> Sequence[Proof]:
    """Return the proofs, one per task; none where nothing was proved."""
    return selection.get("proof") or []


def baseline_name(name: str, words: SelectWords) -> str:
    """Return a baseline's name on the page; an unknown one keeps its own."""
    return words.baselines.get(name, name)


def chosen_coverage(selection: Mapping[str, Any]) -> tuple[int, float] | None:
    """Return the last point of the curve that is not beyond the chosen number."""
    points = [
        (row["n"], row["coverage"]) for row in selection.get("curve") or () if row.get("coverage") is not None
    ]
    return max((point for point in points if point[0] <= selection["n_out"]), default=None)


def telling(verdicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the comparisons with chance, which every selection must beat; else all."""
    return [one for one in verdicts if "random" in one["against"] or one["against"] == "balanced"] or list(
        verdicts
    )


def _one_task(proof: Proof, shared: Words, words: SelectWords) -> str:
    figures, said = Figures(shared.figures), words.outcome
    clauses, equal = [], []
    for one in telling(proof["verdicts"]):
        name = _in_sentence(one["against"], shared, words)
        template = {"better": said.better, "worse": said.worse}.get(one["verdict"])
        if template is None:
            equal.append(name)
            continue
        difference = None if one.get("difference") is None else abs(one["difference"])
        written = figures.difference(proof["metric"], difference, signed=False)
        clauses.append(template.format(name=name, difference=written))
    if equal:
        clauses.append(said.no_better.format(names=figures.names(equal)))
    return shared.verdict.clause_join.join(clauses)


def _tasks(proofs: Sequence[Proof], shared: Words, words: SelectWords) -> str:
    """Return the sentence on several tasks: on how many it beats chance, on how many it loses to it."""
    said = words.outcome
    names = dict.fromkeys(
        _in_sentence(one["against"], shared, words) for proof in proofs for one in telling(proof["verdicts"])
    )
    given = [{one["verdict"] for one in telling(proof["verdicts"])} for proof in proofs]
    better, worse = sum(each == {"better"} for each in given), sum("worse" in each for each in given)
    template = said.better_on if better else said.better_on_none
    listed = Figures(shared.figures).names(list(names))
    clauses = [template.format(names=listed, k=better, n=len(proofs))]
    if worse:
        clauses.append(said.worse_on.format(k=worse))
    return shared.verdict.clause_join.join(clauses)


def _in_sentence(baseline: str, shared: Words, words: SelectWords) -> str:
    """Return a baseline's name as it stands in a sentence: between Chinese words, Latin letters keep spaces."""
    name = baseline_name(baseline, words)
    return f" {name} " if shared.verdict.sentence_join == "" and name.isascii() else name


def _kept(selection: Mapping[str, Any], words: SelectWords) -> str:
    n_in, n_out = f"{selection['n_in']:,}", f"{selection['n_out']:,}"
    return words.modes[selection["mode"]].kept.format(n_in=n_in, n_out=n_out)


def _covering(selection: Mapping[str, Any], shared: Words, words: SelectWords) -> str:
    point = chosen_coverage(selection)
    if point is None:
        return ""
    return words.outcome.covering.format(coverage=Figures(shared.figures).percent(point[1]))


def _measured(proofs: Sequence[Proof], shared: Words, words: SelectWords) -> str:
    seeds = max((len(row.get("values") or ()) for proof in proofs for row in proof["rows"]), default=0)
    if not seeds:
        return ""
    if len(proofs) > 1:
        return words.outcome.measured_each.format(n=len(proofs), seeds=seeds)
    metric = named_in_sentence(proofs[0]["metric"], shared)
    return words.outcome.measured.format(task=proofs[0].get("task", ""), metric=metric, seeds=seeds)


def _took(selection: Mapping[str, Any], shared: Words, words: SelectWords) -> str:
    if selection.get("seconds") is None:
        return ""
    return words.outcome.took.format(
        n_in=f"{selection['n_in']:,}",
        n_out=f"{selection['n_out']:,}",
        duration=Figures(shared.figures).duration(selection["seconds"]),
    )
