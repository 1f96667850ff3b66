"""Predictions to figures: metrics per kind of task, intervals, paired comparison, targets."""

from __future__ import annotations

from sftloop.evaluate.kinds import primary_metric
from sftloop.evaluate.metrics import task_metrics
from sftloop.evaluate.paired import paired_comparison
from sftloop.evaluate.stated_target import reached_in_words, require_targets, target_in_words
from sftloop.evaluate.target import check_target, target_over_seeds
from sftloop.evaluate.trainings import compare_trainings, mean_interval

__all__ = [
    "check_target",
    "compare_trainings",
    "mean_interval",
    "paired_comparison",
    "primary_metric",
    "reached_in_words",
    "require_targets",
    "target_in_words",
    "target_over_seeds",
    "task_metrics",
]
