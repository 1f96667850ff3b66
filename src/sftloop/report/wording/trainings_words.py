"""What the pages of `plan search`, `plan learning-curve` and `plan shrink` have to say.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWords:
    """The page of `plan search`."""

    headlines: Mapping[str, str]
    """By verdict and choice; `{differences}`."""
    difference: str
    """`{task}`, `{difference}`."""
    lead: str
    """`{trials}`, `{duration}`, `{minutes}`, `{stopped}`."""
    fresh: Counted
    """The seeds of the finalists."""
    stale: str
    """A trial was ahead, but there was no time to train it again."""
    behind: str
    """No trial was ahead."""
    finals: str
    finals_intro: str
    plans: Mapping[str, str]
    """searched, default."""
    changes: str
    changes_intro: str
    key: str
    keys: Mapping[str, str]
    trials: str
    trials_intro: str
    progress: str
    progress_hint: str
    best_so_far: str
    trial: str
    stage: str
    stages: Mapping[str, str]
    values: str
    as_default: str
    score: str
    """`{share}`."""
    stopped: str
    trials_left_out: Counted
    plan: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveWords:
    """The page of `plan learning-curve`."""

    wins_throughout: str
    """`{method}`: one task, the same winner at every size."""
    one_task: str
    """`{now}`, `{later}`."""
    wins: str
    open: str
    """`{method}`, `{times}`; `{others}`."""
    several: str
    """`{n}` tasks, `{k}` with a winner now."""
    lead: str
    """`{methods}`, `{records}`, `{seeds}`, `{split}`, `{duration}`."""
    intro: str
    picture: str
    hint: str
    across: str
    """`{n}`."""
    times: Mapping[int, str]
    badge_wins: str
    badge_open: str
    said_wins: str
    said_open: str
    """`{times}`, `{method}`, `{others}`."""
    against: str
    """`{name}`, `{difference}`, `{interval}`, `{p}`."""
    measured: str
    foretold: str
    method: str
    records: str
    limit: str
    table: str
    points: str
    """`{metric}`."""
    one_seed: str
    few_records: str
    failed: str
    """`{method}`, `{share}`, `{seed}`, `{why}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrinkWords:
    """The page of `plan shrink`."""

    smallest: str
    """`{model}`, `{parameters}`."""
    none: str
    lead: Counted
    """Models; `{seeds}`, `{split}`, `{duration}`."""
    untried: str
    """`{names}`."""
    means: str
    targets: str
    states: Mapping[str, str]
    """sure, met, missed, failed."""
    target: str
    """`{model}`, `{what}`, `{value}`, `{low}`, `{wanted}`."""
    undefined: str
    of_label: str
    models: str
    model: str
    parameters: str
    spread: str
    training: str
    answering: str
    failed: str
    """`{model}`, `{why}`."""
    wanted: str
    """`{task}`, `{metric}`, `{wanted}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingsWords:
    """All of them, for one language."""

    titles: Mapping[str, str]
    """By kind; `{scenario}`."""
    eyebrows: Mapping[str, str]
    heading: str
    notes: str
    files: str
    mean: str
    seeds: str
    table: str
    """`{metric}`."""
    picture: str
    """`{task}`; read aloud in place of the picture."""
    badges: Mapping[str, str]
    against: str
    """`{name}`, `{difference}`, `{interval}`, `{p}`."""
    seconds: str
    splits: Mapping[str, str]
    search: SearchWords
    curve: CurveWords
    shrink: ShrinkWords
