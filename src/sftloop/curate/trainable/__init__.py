"""Records that can't be trained on as they stand, or that would teach the wrong thing."""

from sftloop.curate.trainable.trainability import find_untrainable

__all__ = ["find_untrainable"]
