"""A model's liking for some labels, whatever it reads, taken out of its label probabilities.

A small model gives one label more than another before it reads a word. Batch calibration (Zhou et al. 2023,
arXiv:2309.17249) divides by the mean probability over a batch, which takes the labels for equally frequent;
contextual calibration (Zhao et al. 2021, arXiv:2102.09690) divides by what an empty input gets. Here the expected
labels are known, so one offset per label and one sharpness for all are fitted to them by maximum likelihood: the
mean probability of a label becomes its share, and odds of 3 : 1 come true three times of four. A weak prior on
both keeps a handful of records from being fitted by heart.

Knows probabilities; doesn't know records or what is done with them.

Shapes: `R` records, `L` labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FLOOR = 1e-7
"""Stands for a probability of 0: a search leaves out what lies below e^-16 of the best label."""
_OFFSET_SPREAD, _SHARPNESS_SPREAD = 3.0, 1.5
"""Standard deviations of the priors, in nats and in ln(sharpness)."""


@dataclass(frozen=True, slots=True)
class LabelBias:
    """What is taken out of a task's label probabilities."""

    offsets: Floats
    """Nats added to each label, (L,)."""
    sharpness: float
    """Factor on log-probabilities; below 1 the model is surer than it is right."""
    exclusive: bool
    """One label is right, and probabilities sum to 1; else each label is a yes and no of its own."""

    @classmethod
    def fit(cls, given: Floats, wanted: Flags, *, exclusive: bool) -> LabelBias:
        """Fit to expected labels.

        Args:
            given: the model's probabilities, (R, L).
            wanted: which labels are expected, (R, L).
            exclusive: one label is right.
        """
        from scipy.optimize import minimize

        labels = given.shape[1]
        scores = _scores(given, exclusive)
        start = np.zeros(labels + 1)
        found = minimize(_loss, start, args=(scores, wanted, exclusive), jac=True, method="L-BFGS-B")
        offsets = found.x[:labels]
        if exclusive:
            offsets = offsets - offsets.mean()
        return cls(offsets, float(np.exp(found.x[labels])), exclusive)

    def apply(self, given: Floats) -> Floats:
        """Return the probabilities without the bias, (R, L)."""
        return np.exp(_log_shares(self._bent(given), self.exclusive))

    def gained_nats(self, given: Floats, wanted: Flags) -> float:
        """Return how much more likely than by the labels' shares alone the expected ones become, per record.

        About 0: the model doesn't tell the labels apart, and how difficult a record is for it says little.
        """
        known, told = _log_likelihood(self._bent(given), wanted, self.exclusive), wanted.mean(axis=0)
        scores = np.broadcast_to(_scores(told, self.exclusive), given.shape)
        return (known - _log_likelihood(scores, wanted, self.exclusive)) / len(given)

    def _bent(self, given: Floats) -> Floats:
        return self.sharpness * _scores(given, self.exclusive) + self.offsets


def _log_likelihood(scores: Floats, wanted: Flags, exclusive: bool) -> float:
    if exclusive:
        return float(_log_shares(scores, exclusive)[wanted].sum())
    return float(_log_shares(np.where(wanted, scores, -scores), exclusive).sum())


def _scores(given: Floats, exclusive: bool) -> Floats:
    kept = np.clip(given, FLOOR, 1 - FLOOR)
    found: Floats = np.log(kept) if exclusive else np.log(kept) - np.log1p(-kept)
    return found


def _log_shares(scores: Floats, exclusive: bool) -> Floats:
    """Return log-probabilities from scores up to a constant (exclusive) or from log-odds."""
    if not exclusive:
        return -np.logaddexp(0, -scores)
    highest = scores.max(axis=1, keepdims=True)
    found: Floats = scores - highest - np.log(np.exp(scores - highest).sum(axis=1, keepdims=True))
    return found


def _loss(x: Floats, scores: Floats, wanted: Flags, exclusive: bool) -> tuple[float, Floats]:
    """Return the negative log posterior of offsets and ln(sharpness), and its gradient."""
    offsets, sharpness = x[:-1], np.exp(x[-1])
    bent = sharpness * scores + offsets
    value, off = -_log_likelihood(bent, wanted, exclusive), np.exp(_log_shares(bent, exclusive)) - wanted
    spread = np.append(np.full(len(offsets), _OFFSET_SPREAD), _SHARPNESS_SPREAD)
    gradient = np.append(off.sum(axis=0), (off * scores).sum() * sharpness) + x / spread**2
    return float(value + 0.5 * ((x / spread) ** 2).sum()), gradient
