"""How difficult each record is for the base model: easy, boundary or hard.

Where the model gives label probabilities, by how far the expected label leads the best other, after the model's
general liking for some labels is taken out (`label_bias`). Elsewhere by the loss on the answer and by how
much the prompt lowers it: the instruction-following difficulty (IFD), the loss with the prompt over that without
(Li et al. 2024, arXiv:2308.12032).

Knows predictions and losses; `measure_difficulty` alone asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sftloop.curate.difficulty.few_boundary import few_boundary
from sftloop.curate.difficulty.label_bias import LabelBias
from sftloop.curate.difficulty.levels import LEVELS, Level
from sftloop.curate.difficulty.losses import Losses
from sftloop.curate.finding import DataFinding

if TYPE_CHECKING:
    from sftloop.models import LocalModel
    from sftloop.records import Prediction, Record
    from sftloop.scenario import Scenario

_WIDE = 0.5
"""Lead in probability from which a margin is wide: 75 % to 25 % between two labels. Probabilities are calibrated
first, so a model that gives these is right three times of four; among many, it leans to one in earnest."""
_SURE_NATS = 0.1
"""Mean loss of an answer that the model writes anyway: each token has 90 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """How difficult one record is, and the numbers that say so; what doesn't apply is None."""

    record_id: str
    task: str
    level: Level
    labels: tuple[str, ...] = ()
    """The expected ones."""
    margin: float | None = None
    """Calibrated probability of the expected label less that of the best other, -1 to 1; of `multi`, that of the
    right yes or no less that of the wrong one, for the least sure label."""
    loss: float | None = None
    """Nats per token of the answer."""
    ifd: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data, one line of a file."""
        row: dict[str, Any] = {"id": self.record_id, "task": self.task, "difficulty": self.level}
        numbers = {"margin": self.margin, "loss": self.loss, "ifd": self.ifd}
        return {**row, **{name: round(value, 6) for name, value in numbers.items() if value is not None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class DifficultyReport:
    """How difficult a data set is."""

    records: Sequence[Difficulty]
    """In the order given; without those that could not be measured."""
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Per task: `by`, `levels`, `unmeasured`, and what calibration or quantiles said."""

    @property
    def findings(self) -> list[DataFinding]:
        """Return the tasks and labels that lack boundary records."""
        rows = [(row.record_id, row.task, row.level == "boundary", row.labels) for row in self.records]
        return few_boundary(rows)


def measure_difficulty(
    local: LocalModel, scenario: Scenario, records: Sequence[Record], *, directory: Path
) -> DifficultyReport:
    """Run the base model over the records and judge them.

    Args:
        local: the base model, before training.
        scenario: of the records.
        records: of any tasks.
        directory: keeps `predictions.jsonl` and `losses.jsonl`, so that an interrupted measurement goes on.
    """
    from sftloop.curate.difficulty.answer_losses import answer_losses
    from sftloop.evaluate.predict import predict_records
    from sftloop.models import LocalModel

    scorer = LocalModel(local.model, local.encoder, local.name, write_choices=False)
    labelled = [record for record in records if scenario.tasks[record.task].kind == "choice"]
    written = [record for record in records if scenario.tasks[record.task].kind != "choice"]
    predictions = predict_records(
        scorer, scenario, labelled, directory / "predictions.jsonl", label="Difficulty"
    )
    losses = answer_losses(local, scenario, written, directory / "losses.jsonl")
    return judge_difficulty(records, {(p.task, p.id): p for p in predictions}, losses)


def judge_difficulty(
    records: Sequence[Record],
    predictions: Mapping[tuple[str, str], Prediction],
    losses: Mapping[tuple[str, str], Losses],
) -> DifficultyReport:
    """Judge records by what was measured.

    Args:
        records: of any tasks.
        predictions: (task, id) → prediction of the base model.
        losses: (task, id) → losses, of records without label probabilities.
    """
    found: dict[tuple[str, str], Difficulty] = {}
    facts: dict[str, Mapping[str, Any]] = {}
    for task in dict.fromkeys(record.task for record in records):
        own = [record for record in records if record.task == task]
        tables = [
            (r, p.probabilities) for r in own if (p := predictions.get((task, r.id))) and p.probabilities
        ]
        lost = [(r, losses[task, r.id]) for r in own if (task, r.id) in losses]
        rows, said = by_labels(tables) if len(tables) >= len(lost) else by_loss(lost)
        found.update({(task, row.record_id): row for row in rows})
        levels = Counter(row.level for row in rows)
        facts[task] = {
            "levels": {level: levels[level] for level in LEVELS},
            "unmeasured": len(own) - len(rows),
            **said,
        }
    ordered = [found[r.task, r.id] for r in records if (r.task, r.id) in found]
    return DifficultyReport(records=ordered, tasks=facts)


def by_labels(
    tables: Sequence[tuple[Record, Mapping[str, float]]],
) -> tuple[list[Difficulty], dict[str, Any]]:
    """Judge records of one task by label probabilities.

    Args:
        tables: records and what the model gives each label; of `multi` they don't sum to 1.

    Returns:
        The records' difficulty, and how calibration changed it.
    """
    if not tables:
        return [], {"by": "labels"}
    several = tables[0][0].answer.labels is not None
    names = list(tables[0][1])
    given = np.array([[table[name] for name in names] for _, table in tables])
    wanted = np.array([[name in record.labels() for name in names] for record, _ in tables])
    bias = LabelBias.fit(given, wanted, exclusive=not several)
    raw, fair = (_margins(shares, wanted, several) for shares in (given, bias.apply(given)))
    rows = [
        Difficulty(
            record_id=record.id, task=record.task, level=_level(margin), labels=record.labels(), margin=margin
        )
        for (record, _), margin in zip(tables, fair.tolist(), strict=True)
    ]
    moved = sum(_level(before) != row.level for before, row in zip(raw.tolist(), rows, strict=True))
    said = {
        "by": "labels",
        "right_before": float((raw > 0).mean()),
        "right": float((fair > 0).mean()),
        "moved_by_calibration": moved / len(rows),
        "gained_nats": bias.gained_nats(given, wanted),
        "sharpness": bias.sharpness,
        "bias": dict(zip(names, bias.offsets.tolist(), strict=True)),
    }
    return rows, said


def by_loss(rows: Sequence[tuple[Record, Losses]]) -> tuple[list[Difficulty], dict[str, Any]]:
    """Judge records of one task by their losses: relative to the task, but for what speaks for itself.

    Hard is the upper quarter of IFD, and whatever the prompt doesn't help with (1 or more: question and answer
    may not belong together). Easy is the lower quarter, and whatever the model writes anyway.

    Args:
        rows: records and their losses.

    Returns:
        The records' difficulty, and the quantiles.
    """
    if not rows:
        return [], {"by": "loss"}
    ifd = np.array([losses.ifd for _, losses in rows])
    low, middle, high = np.quantile(ifd, (0.25, 0.5, 0.75)).tolist()
    found = []
    for record, losses in rows:
        level: Level = "easy" if losses.ifd < low else "hard" if losses.ifd > high else "boundary"
        if losses.conditional < _SURE_NATS:
            level = "easy"
        elif losses.ifd >= 1:
            level = "hard"
        found.append(
            Difficulty(
                record_id=record.id,
                task=record.task,
                level=level,
                labels=record.labels(),
                loss=losses.conditional,
                ifd=losses.ifd,
            )
        )
    mean = float(np.mean([losses.conditional for _, losses in rows]))
    said = {"by": "loss", "ifd_quartiles": [low, middle, high], "mean_loss": mean}
    return found, {**said, "prompt_does_not_help": int((ifd >= 1).sum())}


def _level(margin: float) -> Level:
    if abs(margin) < _WIDE:
        return "boundary"
    return "easy" if margin > 0 else "hard"


def _margins(shares: np.ndarray, wanted: np.ndarray, several: bool) -> np.ndarray:
    """Return how far what is wanted leads the best other label, or the wrong yes or no of the least sure label.

    Args:
        shares: probabilities, (records, labels).
        wanted: boolean, like `shares`.
        several: any number of labels may be wanted.

    Returns:
        Margins, (records,).
    """
    if several:
        least: np.ndarray = np.where(wanted, 2 * shares - 1, 1 - 2 * shares).min(axis=1)
        return least
    others: np.ndarray = np.where(wanted, 0, shares).max(axis=1)
    margins: np.ndarray = np.where(wanted, shares, 0).max(axis=1) - others
    return margins
