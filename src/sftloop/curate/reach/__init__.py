"""How far the training records reach: which records of other splits are unlike all of them."""

from sftloop.curate.reach.uncovered import Reach, TaskReach, find_uncovered

__all__ = ["Reach", "TaskReach", "find_uncovered"]
