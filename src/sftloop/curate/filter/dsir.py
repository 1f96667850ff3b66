"""How much more likely a text is under the target than under the pool, by hashed n-grams.

Data Selection with Importance Resampling (DSIR; Xie et al. 2023, arXiv:2302.03169, section 3): features are
words and pairs of neighbouring words, hashed into 10,000 buckets; both distributions are bags of them; a
text's weight is the quotient of its probabilities. Three departures, because the target is a few dozen texts
and this is the first of several stages:

- The target's distribution starts from the pool's, as if that had been seen in `_PRIOR` features (a Dirichlet
  prior). Without it a text is thrown out for every word that a few dozen examples don't happen to hold.
- The log weight is divided by the square root of the number of features. The sum, which the paper takes after
  filtering by length, follows the length; the mean prefers texts of two words.
- The best are kept as they are. The paper draws them at random (Gumbel top-k) so that the choice keeps the
  target's spread; here the spread comes from the round-robin behind, and chance would only lose some of the
  best.

Knows terms; not where texts come from.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sftloop.curate.similarity.terms import Places, Terms, bigrams

BUCKETS = 10_000
_PRIOR = 1_000
"""Features' worth of the pool's distribution in the target's; 300 to 3,000 do about equally well."""

Counts = NDArray[np.int64]
Scores = NDArray[np.float64]


def feature_counts(terms: Terms) -> Counts:
    """Return how often each bucket occurs in all texts together."""
    buckets, _ = _features(terms)
    return np.bincount(buckets, minlength=BUCKETS)


class ImportanceWeights:
    """The log quotient of two bags of hashed n-grams.

    Args:
        target: bucket counts of the target's texts.
        pool: bucket counts of the pool.
    """

    def __init__(self, target: Counts, pool: Counts) -> None:
        common = (pool + 1) / (pool.sum() + BUCKETS)
        wanted = (target + _PRIOR * common) / (target.sum() + _PRIOR)
        self._log_quotient = np.log(wanted / common)

    def score(self, terms: Terms) -> Scores:
        """Return each text's log weight over the square root of its features; 0 for a text without any."""
        buckets, owner = _features(terms)
        texts = len(terms.offsets) - 1
        sums = np.bincount(owner, self._log_quotient[buckets], minlength=texts)
        return sums / np.sqrt(np.maximum(np.bincount(owner, minlength=texts), 1))


def _features(terms: Terms) -> tuple[Places, Places]:
    """Return the bucket and the text of every single term and every pair."""
    pairs, first = bigrams(terms)
    owner = terms.owner
    hashes = np.concatenate((terms.hashes, pairs))
    return (hashes % np.uint64(BUCKETS)).astype(np.int64), np.concatenate((owner, owner[first]))
