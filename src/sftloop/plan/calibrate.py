"""The ledger corrected by two measured peaks: one step each at two small sizes, on the machine that will train.

Between sizes at which the same instant is fullest a peak is linear in the tokens, so two points fix what no
table knows: kernels, library versions, the driver.

Knows points and a prediction; doesn't know how either came about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sftloop.core.errors import UsageError

Predict = Callable[[int], int]
"""Tokens in a pass → bytes at the peak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """Peak as a function of the tokens in a pass."""

    fixed_bytes: float
    """Measured beyond the prediction, whatever the tokens."""
    bytes_per_token: float
    """The same per token."""
    predict: Predict

    def at(self, tokens: int) -> int:
        """Return the peak in bytes."""
        return round(self.predict(tokens) + self.fixed_bytes + self.bytes_per_token * tokens)


def calibrated(first: tuple[int, int], second: tuple[int, int], predict: Predict | None = None) -> Calibrated:
    """Return the prediction plus a line through what two measurements lie beyond it.

    Args:
        first: tokens in a pass and the peak measured there, in bytes.
        second: another such point.
        predict: the ledger's peak; None: nothing, so that the peak itself is the line. Without it both points
            must lie where the pass is fullest, not the optimizer's step, which doesn't grow with tokens.

    Raises:
        UsageError: the two points are of the same size, or not positive.
    """
    (few, low), (many, high) = sorted((first, second))
    if few == many or few < 1 or low < 1:
        raise UsageError(
            f"Peaks at {few} and {many} tokens define no line.",
            hint="Measure one step at two different sizes.",
        )
    known = predict or _nothing
    low, high = low - known(few), high - known(many)
    slope = (high - low) / (many - few)
    return Calibrated(fixed_bytes=low - slope * few, bytes_per_token=slope, predict=known)


def _nothing(tokens: int) -> int:
    return 0
