"""What the report has to say, as fields to be filled by each language.

Names in braces are filled in by the module that uses the text. Knows no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """A text with a number in it, whose form depends on the number."""

    one: str
    many: str

    def of(self, n: int, **values: object) -> str:
        """Return the text for `n`, which fills `{n}` with thousands separated."""
        return (self.one if n == 1 else self.many).format(n=f"{n:,}", **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureWords:
    """How numbers are written."""

    points: str
    """A difference of two percentages; `{n}` is the number."""
    interval: str
    """A range with its confidence level; `{low}`, `{high}`."""
    between: str
    """Joins the ends of a range."""
    below: str
    """A p-value too small to write; `{p}`."""
    equals: str
    hours: str
    minutes: str
    seconds: str
    """`{h}`, `{m}`, `{s}`."""
    missing: str
    comma: str
    last_comma: str
    """Joins the last two of several names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictWords:
    """The first screen."""

    title: str
    """The page's title; `{scenario}`."""
    eyebrow: str
    heading: str
    better_on_all: Counted
    worse_on_all: Counted
    inconclusive_on_all: Counted
    better_on: str
    worse_on: str
    inconclusive_on: str
    """`{names}`."""
    better_on_some: str
    worse_on_some: str
    inconclusive_on_some: str
    """In place of many names: `{k}` of `{n}`."""
    clause_join: str
    stop: str
    targets_all_met: Counted
    targets_none_met: Counted
    targets_some_met: str
    """`{k}` of `{n}`."""
    no_targets: str
    key_lost: str
    """A task that must not lose did; `{names}`."""
    badge_key_lost: str
    badges: Mapping[str, str]
    """better, worse, inconclusive."""
    gain: str
    gain_falling: str
    loss: str
    loss_falling: str
    unclear: str
    """`{metric}`, `{before}`, `{after}`, `{difference}`, `{interval}`; `_falling`: less is better."""
    not_compared: str
    compared_on: Counted
    sentence_join: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetWords:
    """Whether a task reached what was asked of it."""

    met: str
    met_unsure: str
    missed: str
    unknown: str
    """`{what}`, `{value}`, `{wanted}`, `{low}`."""
    at_least: str
    at_most: str
    of_label: str
    """`{metric}` of `{label}`."""
    badge_met: str
    badge_missed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearWords:
    """The linear baseline beside the model: was the model needed?"""

    name: str
    as_good: str
    close: str
    behind: str
    unknown: str
    """`{linear}`, `{after}`, `{interval}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWords:
    """One task's section."""

    heading: str
    before: str
    after: str
    kinds: Mapping[str, str]
    instruction: str
    metrics: Mapping[str, str]
    metric: str
    method: str
    methods: Mapping[str, str]
    metrics_caption: Counted
    paired: str
    """`{test}`, `{p}`."""
    tests: Mapping[str, str]
    wins_losses: str
    """`{wins}`, `{losses}`."""
    format_kept: str
    """`{before}`, `{after}`."""
    errors: Counted
    few_records: Counted
    few_groups: Counted
    plot_label: str
    """`{task}`; read aloud in place of the picture."""
    difference_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableWords:
    """Tables per label and per field, and the pictures of confusions."""

    labels_caption: str
    labels_note: str
    fields_caption: str
    abstention_caption: str
    abstention_note: str
    abstention: Mapping[str, str]
    label: str
    field: str
    support: str
    figure: str
    columns: Mapping[str, str]
    """precision, recall, f1, exact."""
    left_out: Counted
    confusion_before: str
    confusion_after: str
    confusion_hint: str
    confusion_label: str
    """`{task}`."""
    gold: str
    given: str
    invalid: str
    confused: str
    """`{gold}`, `{given}`, `{count}`."""
    confused_heading: str
    outcomes_caption: str
    outcomes_hint: str
    found: str
    missed: str
    wrongly: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWords:
    """Loss and validation curves."""

    heading: str
    summary: str
    """`{method}`, `{records}`, `{steps}`, `{epochs}`."""
    methods: Mapping[str, str]
    with_head: str
    """`{method}`."""
    loss: str
    loss_hint: str
    loss_hint_head: str
    validation: str
    validation_hint: str
    best: str
    """`{score}`, `{step}`."""
    overall: str
    step: str
    nothing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongWords:
    """The wrong answers."""

    heading: str
    intro: str
    of_task: Counted
    """`{task}`."""
    colon: str
    gold: str
    before: str
    after: str
    sure: str
    """`{p}`: the model's probability of its answer."""
    gold_probability: str
    written: str
    was_right: str
    no_answer: str
    nothing: str
    yes: str
    no: str
    none: str
    cut: Counted
    left_out: Counted
    region: str
    """Read aloud for a box that scrolls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostWords:
    """Time, memory and how to run it again."""

    heading: str
    before: str
    train: str
    after: str
    total: str
    per_record: str
    """`{before}`, `{after}`."""
    seconds_per_record: str
    peak_memory: str
    trainable: str
    trainable_of: str
    """`{trainable}`, `{all}`."""
    tokens: str
    tokens_shared: str
    tokens_plain: str
    """`{prefix}`, `{suffix}`."""
    time_caption: str
    where_time_went: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproduceWords:
    """What is needed to run it again."""

    heading: str
    intro: str
    command: str
    started: str
    machine: str
    versions: str
    inputs: str
    inputs_note: str
    seeds: str
    settings: str
    training_settings: str
    name: str
    value: str
    footer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All of them, for one language."""

    code: str
    """Language tag of the page (BCP 47)."""
    figures: FigureWords
    verdict: VerdictWords
    target: TargetWords
    linear: LinearWords
    task: TaskWords
    tables: TableWords
    training: TrainingWords
    wrong: WrongWords
    costs: CostWords
    reproduce: ReproduceWords
    contents: str
    """Names the list of links to the sections."""
    model: str
    method: str
