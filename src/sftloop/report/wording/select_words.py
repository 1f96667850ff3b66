"""What the selection's page has to say, as fields to be filled by each language.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.audit_words import RecordWords
from sftloop.report.wording.select_how_words import HowWords
from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeWords:
    """What differs between the ways to select."""

    name: str
    kept: str
    """The headline where nothing was proven; `{n_out}`, `{n_in}`."""
    top: str
    bottom: str
    """Headings of the best and the worst records."""
    score: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWords:
    """The first screen."""

    covering: str
    """Follows `kept`; `{coverage}`."""
    took: str
    """`{duration}`."""
    better: str
    worse: str
    """One baseline; `{name}`, `{difference}`."""
    no_better: str
    """`{names}`."""
    better_on: str
    better_on_none: str
    worse_on: str
    """Several tasks; `{names}`, `{k}`, `{n}`."""
    unproven: str
    measured: str
    """`{task}`, `{metric}`, `{seeds}`."""
    measured_each: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofWords:
    """What training on the selection and on its baselines gave."""

    heading: str
    intro: str
    picture: str
    """`{task}`; read aloud in place of the picture."""
    system: str
    records: str
    mean: str
    seeds: str
    table: str
    """`{metric}`."""
    badges: Mapping[str, str]
    """better, worse, inconclusive: how it stands against the baseline that `against` names."""
    against: str
    """`{name}`, `{difference}`, `{interval}`, `{p}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectWords:
    """All of them, for one language."""

    title: str
    """`{scenario}`."""
    eyebrow: str
    heading: str
    modes: Mapping[str, ModeWords]
    own: str
    """The selection among its baselines."""
    baselines: Mapping[str, str]
    how: HowWords
    outcome: OutcomeWords
    proof: ProofWords
    curve: str
    curve_hint: str
    curve_records: str
    curve_large: tuple[int, str]
    """How many records one unit of a long axis holds, and its name."""
    stages: str
    stage: str
    stage_in: str
    stage_out: str
    stage_seconds: str
    stages_hint: str
    stage_names: Mapping[str, str]
    labels: str
    """`{task}`."""
    label: str
    before: str
    after: str
    kept: str
    removed: str
    labels_left_out: Counted
    overlap: str
    overlap_hint: str
    overlap_share: str
    baseline: str
    records: str
    records_intro: str
    record: RecordWords
    files: str
    files_intro: str
    selected: str
    scores: str
