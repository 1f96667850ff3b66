"""How difficult each record is for the base model, and where records between two answers are missing."""

from sftloop.curate.difficulty.difficulty import DifficultyReport, measure_difficulty

__all__ = ["DifficultyReport", "measure_difficulty"]
