"""How a loss falls with the number of records: a saturating power law, and what it says beyond the data.

Takes losses (smaller is better) at a few sizes; knows no tasks, models or metrics.

loss(n) = limit + gap · (n / largest)^(−exponent), with a gap that isn't negative. That losses fall like this
in the size of the data: Hestness et al. 2017, arXiv:1712.00409, eq. 1; for fine-tuning, Zhang et al. 2024,
arXiv:2402.17193, eq. 1. Unlike there, the exponent is drawn towards 0.5 (log-normal, two thirds between 0.25
and 1): four sizes hardly determine three numbers. The limit may be fitted below zero, as a bound there would
bias a curve that ends at zero; no loss is foretold below it.

Shapes: `S` sizes, `R` draws, `G` exponents tried, `A` sizes asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

USUAL_EXPONENT, _LOG_SPREAD = 0.5, 0.7
_EXPONENTS_G = np.geomspace(0.03, 3.0, 50)
LEAST_SIZES = 3
"""Fewer sizes say nothing about a curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerLaw:
    """A fitted curve."""

    limit: float
    """The loss with endless data; where it is below zero, the curve reaches zero before."""
    gap: float
    """What is above it at `largest` records."""
    exponent: float
    largest: float
    """Records at the largest size measured."""

    def at(self, n: float) -> float:
        """Return the loss at `n` records."""
        return max(0.0, self.limit + self.gap * float((n / self.largest) ** -self.exponent))


def fit_power_law(sizes: Sequence[float], losses: Sequence[float], errors: Sequence[float]) -> PowerLaw:
    """Fit the curve to a loss per size.

    Args:
        sizes: records, at least `LEAST_SIZES` different ones.
        losses: smaller is better, not negative.
        errors: the standard error of each loss.
    """
    relative_S = _relative(sizes)
    limit, gap, exponent = _fit(
        relative_S, np.asarray([losses], dtype=float), _floored(errors), np.log([USUAL_EXPONENT])
    )
    return PowerLaw(
        limit=float(limit[0]), gap=float(gap[0]), exponent=float(exponent[0]), largest=float(max(sizes))
    )


def predicted(
    sizes: Sequence[float], draws_RS: FloatArray, errors: Sequence[float], at: Sequence[float], seed: int
) -> FloatArray:
    """Return the loss at each size asked about, for every draw of the measured losses, [R, A].

    Every draw is fitted with its own draw from the exponent's prior, so that what four points can't tell
    widens the spread (randomize-then-optimize: Bardsley et al. 2014, doi:10.1137/140964023).
    """
    rng = np.random.default_rng(seed)
    centres_R = np.log(USUAL_EXPONENT) + _LOG_SPREAD * rng.standard_normal(len(draws_RS))
    limit_R, gap_R, exponent_R = _fit(_relative(sizes), draws_RS, _floored(errors), centres_R)
    relative_A = np.asarray(at, dtype=float) / max(sizes)
    losses_RA = limit_R[:, None] + gap_R[:, None] * relative_A[None, :] ** -exponent_R[:, None]
    return np.maximum(losses_RA, 0.0)


def seed_noise(values: Sequence[Sequence[float]], resamples: int, seed: int) -> FloatArray:
    """Return draws of what chance in training adds to the mean of each size's seeds, [R, S].

    The seeds' variance is pooled over the sizes, as two or three seeds say little of their own, and the draws are
    Student's with the pooled degrees of freedom. Zero where no size has two seeds.

    Args:
        values: per size, the value of each seed.
        resamples: how many draws.
        seed: of the draws.
    """
    freedom = sum(len(own) - 1 for own in values)
    if freedom < 1:
        return np.zeros((resamples, len(values)))
    variance = sum((len(own) - 1) * float(np.var(own, ddof=1)) for own in values if len(own) > 1) / freedom
    scale_S = np.sqrt(variance / np.array([len(own) for own in values], dtype=float))
    draws_RS = np.random.default_rng(seed).standard_t(freedom, (resamples, len(values)))
    return np.asarray(draws_RS * scale_S)


def _relative(sizes: Sequence[float]) -> FloatArray:
    assert len(set(sizes)) >= LEAST_SIZES
    return np.asarray(sizes, dtype=float) / max(sizes)


def _floored(errors: Sequence[float]) -> FloatArray:
    """Return errors that can be divided by; sizes measured alike count alike."""
    found = np.asarray(errors, dtype=float)
    return np.asarray(np.maximum(found, max(1e-6, 0.1 * float(found.max()))))


def _fit(
    relative_S: FloatArray, losses_RS: FloatArray, errors_S: FloatArray, centres_R: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return limit, gap and exponent of every row: least squares given each exponent, then the best exponent."""
    weights_S = errors_S**-2
    powers_GS = relative_S[None, :] ** -_EXPONENTS_G[:, None]
    limits_RG, gaps_RG = _lines(powers_GS, losses_RS, weights_S)
    misfit_RGS = losses_RS[:, None, :] - limits_RG[..., None] - gaps_RG[..., None] * powers_GS
    squares_RG = (weights_S * misfit_RGS**2).sum(axis=-1)
    away_RG = (np.log(_EXPONENTS_G)[None, :] - centres_R[:, None]) / _LOG_SPREAD
    best_R = np.argmin(squares_RG + away_RG**2, axis=1)
    rows = np.arange(len(losses_RS))
    return limits_RG[rows, best_R], gaps_RG[rows, best_R], _EXPONENTS_G[best_R]


def _lines(
    powers_GS: FloatArray, losses_RS: FloatArray, weights_S: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the limit and the non-negative gap with the least weighted squares, [R, G] each."""
    mean_G = powers_GS @ weights_S / weights_S.sum()
    mean_R = losses_RS @ weights_S / weights_S.sum()
    centred_GS = (powers_GS - mean_G[:, None]) * weights_S
    variance_G = (centred_GS * powers_GS).sum(axis=1)
    gap_RG = np.maximum((losses_RS @ centred_GS.T) / variance_G, 0.0)
    return mean_R[:, None] - gap_RG * mean_G, gap_RG
