"""The two losses that tell how hard an answer is to write."""

from __future__ import annotations

from typing import NamedTuple

from sftloop.curate.difficulty.label_bias import FLOOR


class Losses(NamedTuple):
    """Mean cross entropy of a record's answer in nats per token (`train.record_losses`)."""

    conditional: float
    """Behind its prompt."""
    unconditional: float
    """Without."""

    @property
    def ifd(self) -> float:
        """Their quotient: 1 means that the prompt doesn't help to write the answer."""
        return self.conditional / max(self.unconditional, FLOOR)
