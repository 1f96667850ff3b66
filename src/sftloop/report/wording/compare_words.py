"""What the comparison's page and its decision have to say, as fields to be filled by each language.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWords:
    """The decision and the numbers behind it."""

    use: Mapping[str, str]
    """Kind of system → what to do; `{name}`."""
    untargeted: str
    """`use` of a model as it is, where no target says what is enough; `{name}`."""
    api_cost: str
    """Follows `use` of an API; `{cost}`."""
    meets_api: str
    """`{name}`."""
    misses: Counted
    """Nothing meets the targets."""
    nothing: str
    scored: str
    """`{task}`, `{metric}`, `{value}`, `{range}`."""
    unscored: str
    """`{task}`, `{metric}`."""
    target_sure: str
    target_unsure: str
    target_missed: str
    """`{task}`, `{what}`, `{value}`, `{low}`, `{wanted}`."""
    nearest: str
    """`{name}`."""
    also_meet: str
    alone_meets: str
    """`{names}`."""
    best: str
    """`{n}` systems."""
    also_best: str
    """`{names}`."""
    unsettled: str
    """`{names}`."""
    as_good: str
    """`{leader}`."""
    lead: str
    """`{task}`, `{leader}`, `{difference}`, `{interval}`."""
    blind: str
    """`{detectable}`."""
    split: str
    """`{name}`."""
    price: str
    price_right: str
    """`{cost}`, `{right}`."""
    unknown_price: str
    time: str
    """`{duration}`."""
    no_target: str
    tune_or_pay: str
    tune_too: str
    tune_next: str
    """`{base}`."""
    more_next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixWords:
    """Systems by tasks."""

    heading: str
    intro: str
    caption: Counted
    system: str
    kinds: Mapping[str, str]
    seeds: Counted
    valid: str
    latency: str
    tail: str
    """`{value}`."""
    tokens: str
    cost: str
    per_right: str
    """`{value}`."""
    time: str
    failed: Counted
    marks: Mapping[str, str]
    """best, worse, inconclusive, better: read aloud and shown on pointing."""
    met: str
    missed: str
    latency_note: str
    unanswered: Counted
    """`{name}`."""
    picture: str
    """`{task}`; read aloud in place of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairWords:
    """Every system against the best."""

    heading: str
    intro: str
    caption: str
    """`{task}`, `{metric}`, `{best}`."""
    system: str
    difference: str
    p: str
    verdict: str
    verdicts: Mapping[str, str]
    detectable: str
    more: str
    more_hint: str
    far: str
    """In place of a number of records too large to be collected."""
    all_tests: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsWords:
    """Record by record."""

    heading: str
    intro: Counted
    """`{differ}`."""
    only_differ: str
    task: str
    all_tasks: str
    wrong: str
    any_system: str
    keys: str
    gold: str
    right: str
    not_right: str
    failed: str
    no_answer: str
    left_out: Counted
    first_seed: str
    region: str
    """`{id}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareWords:
    """All of them, for one language."""

    title: str
    """`{scenario}`."""
    eyebrow: str
    heading: str
    asked: Counted
    """`{split}`."""
    systems: Counted
    left_out: str
    """`{what}`, `{why}`."""
    decision: DecisionWords
    matrix: MatrixWords
    pairs: PairWords
    records: RecordsWords
