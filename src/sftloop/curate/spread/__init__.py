"""How records are spread over tasks, labels and texts: too few, too many, too much alike."""

from sftloop.curate.spread.diversity import effective_number, vendi_score
from sftloop.curate.spread.imbalance import find_imbalance

__all__ = ["effective_number", "find_imbalance", "vendi_score"]
