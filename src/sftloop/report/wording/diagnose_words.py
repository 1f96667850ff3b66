"""What the diagnosis page has to say, as fields to be filled by each language.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.audit_words import RecordWords
from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisOutcomeWords:
    """The first screen."""

    claims: str
    """`{task}`, `{rate}`, `{n}`."""
    clean: str
    """`{n}`: no record without support was claimed on."""
    unknown: str
    """No record decides nothing, so nothing can be unsupported."""
    traps: str
    """`{passed}`, `{n}`."""
    changed: str
    """`{better}`, `{worse}`, `{n}`: compared figures."""
    unchanged: str
    """`{n}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdWords:
    """From which probability a claim is believed."""

    heading: str
    chosen: str
    """`{label}`, `{value}`, `{metric}`, `{reached}`, `{interval}`, `{claimed}`."""
    held: str
    unsure: str
    missed: str
    """Whether the target holds on the diagnosed split; `{wanted}`."""
    by_value: str
    """As `chosen`, where only the value reaches the target, not its lower limit."""
    why_not: Mapping[str, str]
    """`{metric}`, `{label}`, `{wanted}`, `{n}`, `{needed}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseWords:
    """All of them, for one language."""

    title: str
    """`{scenario}`."""
    eyebrow: str
    heading: str
    outcome: DiagnosisOutcomeWords
    compared_with: str
    split: str
    adapter: str
    suggestions: str
    suggestions_intro: str
    nothing_to_suggest: str
    drafts: Counted
    draft: RecordWords
    figures: str
    figure: str
    before: str
    now: str
    interval: str
    count: str
    groups: Mapping[str, str]
    """answers, evidence, abstention, confidence, interventions, stability."""
    names: Mapping[str, str]
    """Figure → its name."""
    labels: str
    fields: str
    labels_picture: str
    """`{task}`; read aloud."""
    precision: str
    recall: str
    was: str
    """`{name}`: the same figure before."""
    labels_left_out: Counted
    coverage: str
    coverage_hint: str
    coverage_axis: str
    calibration: str
    calibration_hint: str
    calibration_axis: str
    perfect: str
    threshold: ThresholdWords
    traps: str
    traps_hint: str
    trap: str
    passed: str
    failed: str
    own_trap: str
    named_trap: str
    """`{name}`: a family of the user's own."""
    examples: Counted
    example: RecordWords
    said: str
    """`{given}`."""
    no_answer: str
    tests: str
    tests_hint: str
    change: str
    verdict: str
    p_value: str
    what: Mapping[str, str]
    """Compared figure → its name; `{item}`."""
    badges: Mapping[str, str]
