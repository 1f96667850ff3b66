"""What the audit's page has to say, as fields to be filled by each language.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sftloop.report.wording.rewrite_words import RewriteWords
from sftloop.report.wording.words import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWords:
    """A record shown with its text and answer."""

    answer: str
    empty: str
    """In place of an answer that is empty."""
    region: str
    """`{id}`; read aloud for a box that scrolls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindWords:
    """One kind of finding."""

    name: str
    means: str
    """What it is and why it matters, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerdictWords:
    """The first screen."""

    errors: Counted
    """Nothing but task-wide errors."""
    errors_in: Mapping[str, str]
    """By the numbers of errors and records: `one-one`, `one-many` …; `{errors}`, `{records}`."""
    warnings: Counted
    clean: str
    checked: Counted
    """`{split}`."""
    checked_with: str
    """`{model}`."""
    touched: Counted
    """`{n}` records are named by a finding."""
    seconds: str
    """`{duration}`."""
    unchecked: Counted
    splits: Mapping[str, str]
    severities: Mapping[str, Counted]
    """error, warning, note; `{n}` is left to the page."""
    severity_means: Mapping[str, str]
    badges: Mapping[str, str]
    """A severity in one word."""
    overview: str
    kind: str
    findings: str
    records: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingWords:
    """The findings."""

    heading: str
    intro: str
    nothing: str
    kinds: Mapping[str, KindWords]
    counted: Counted
    in_records: Counted
    mend: str
    record: RecordWords
    keep: str
    drop: str
    more_records: Counted
    all_records: Counted
    """`{ids}`; beside records that are shown, and where none is."""
    folded: Counted
    left_out: Counted
    left_out_ids: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceWords:
    """What a finding rests on."""

    similarity: str
    also_in: str
    also_in_ids: str
    """`{split}`, `{ids}`."""
    given: str
    suggested: str
    with_probability: str
    """`{label}`, `{p}`."""
    answers: str
    answer_times: str
    """`{answer}`, `{n}`."""
    feature: str
    usual: str
    usual_share: str
    """`{value}`, `{share}`."""
    found: str
    far_of: str
    """`{label}`, `{far}`, `{n}`."""
    other_side: str
    """`{split}`; heads the text of the split that holds the same record."""
    examples: str
    names: Mapping[str, str]
    """Further keys of evidence; others keep their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureWords:
    """One task's data in pictures."""

    heading: str
    balance: str
    task: str
    label: str
    records: str
    characters: str
    labels: str
    labels_by_difficulty: str
    left_out: Counted
    """Rows of a table."""
    not_measured: str
    difficulty: str
    difficulty_tagged: str
    """In its place where nothing was measured."""
    difficulties: Mapping[str, str]
    """easy, boundary, hard."""
    difficulty_means: str
    margins: str
    margins_hint: str
    scores: str
    scores_hint: str
    knowledge: str
    classes: Mapping[str, str]
    knowledge_means: str
    exempt: str
    why_exempt: Mapping[str, str]
    """Reason → its words."""
    """`{why}`."""
    styles: str
    styles_hint: str
    style_value: str
    share: str
    other: str
    """Further values of a style."""
    alike: str
    """`{traits}`: what all answers share."""
    trait: str
    """`{feature}`, `{value}`."""
    diversity: Mapping[str, str]
    diversity_hint: str
    covered: str
    """`{splits}`, `{by}`: how well other splits are covered."""
    covered_split: str
    """`{split}`, `{covered}`, `{n}`."""
    by_ngrams: str
    by_model: str
    """`{model}`."""
    cap: Counted
    """`{limit}`."""
    label_errors: str
    label_error: str
    """`{change}`, `{count}`."""
    picture: str
    """`{task}`, `{caption}`; read aloud in place of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditWords:
    """All of them, for one language."""

    title: str
    """`{scenario}`."""
    eyebrow: str
    heading: str
    verdict: AuditVerdictWords
    findings: FindingWords
    rewrites: RewriteWords
    evidence: EvidenceWords
    pictures: PictureWords
    unchecked: str
    unchecked_intro: str
