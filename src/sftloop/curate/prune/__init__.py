"""Fewer records that still stand for all."""

from sftloop.curate.prune.pruning import COVERAGE, prune

__all__ = ["COVERAGE", "prune"]
