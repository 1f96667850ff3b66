"""How many candidates are like the target: where relevance ends, though the pool never says so.

Each example is held out and scored against the others, as the candidates are against all: that is how a text
scores that is meant. Where a share `t` of the examples scores at least `s`, and `c` candidates do, at most
about c / t candidates are meant, since the meant ones score like the examples (the bound on a mixture's share
in learning from positive and unlabelled data: Blanchard, Lee & Scott 2010, Semi-Supervised Novelty Detection,
JMLR 11:2973). The smallest such quotient counts. Spread over the range of scores in the examples'
proportions, it says how likely a candidate of some score is meant. Texts of a neighbouring subject that score
as high as the examples are counted in: it is a hint. For 30 messages of a bank, searched among many of other
subjects of the same bank, it was 0.8 to 2.3 times the truth.

Knows scores only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST = 10
"""Examples below which nothing is said."""
_SHARES = (0.9, 0.8, 0.7, 0.6, 0.5)
"""Of the examples that score at least so high, where is looked: with fewer, chance decides the quotient."""
_BANDS = 5

Scores = NDArray[np.float64]


class Likeness(NamedTuple):
    """The hint."""

    meant: float
    """At most about so many candidates are meant."""
    chances: Scores
    """Per candidate, that it is meant; the higher the score, the greater."""


def likeness(held_out: Scores, candidates: Scores) -> Likeness | None:
    """Compare the scores of candidates with those of held-out examples; None where these are too few.

    Args:
        held_out: each example's score against the other examples.
        candidates: scores of the same kind.
    """
    if len(held_out) < FEWEST:
        return None
    meant = _meant(held_out, candidates)
    edges = np.quantile(held_out, np.arange(1, _BANDS) / _BANDS)
    band = np.searchsorted(edges, candidates, side="right")
    band[candidates < held_out.min()] = -1
    sizes = np.bincount(band + 1, minlength=_BANDS + 1)[1:]
    return Likeness(meant, np.append(_rising(meant / _BANDS, sizes), 0.0)[band])


def _meant(held_out: Scores, candidates: Scores) -> float:
    """Return the smallest quotient of candidates and share of examples at or above a score."""
    bars = np.quantile(held_out, [1 - share for share in _SHARES])
    above = (candidates[:, None] >= bars).sum(axis=0)
    return float((above / np.array(_SHARES)).min())


def _rising(each: float, sizes: NDArray[np.int64]) -> Scores:
    """Return the chance per band, at most 1; bands that fall where they should rise share theirs."""
    from sklearn.isotonic import isotonic_regression

    raw = np.minimum(each / np.maximum(sizes, 1), 1.0)
    chances: Scores = isotonic_regression(raw, sample_weight=np.maximum(sizes, 1), y_min=0, y_max=1)
    return chances
