"""Predictions to figures: metrics per kind of task, intervals, paired comparison, targets."""

from __future__ import annotations

from sftloop.evaluate.kinds import primary_metric
from sftloop.evaluate.metrics import task_metrics
from sftloop.evaluate.paired import paired_comparison
from sftloop.evaluate.target import check_target

__all__ = ["check_target", "paired_comparison", "primary_metric", "task_metrics"]
