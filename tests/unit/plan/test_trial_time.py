"""The forecast of one more training: exact where time is a sum of its parts, with a margin that noise sets."""

from __future__ import annotations

import random

import pytest

from sftloop.plan.trial_time import Timing, forecast


def timed(records: int, epochs: float, batch: int, noise: float = 1.0) -> Timing:
    """5 s of loading, 1 s per epoch, 0.1 s per step, 0.02 s per record read."""
    steps = epochs * -(-records // batch)
    seconds = (5 + epochs + 0.1 * steps + 0.02 * epochs * records) * noise
    return Timing(records=records, epochs=epochs, batch_size=batch, seconds=seconds)


def test_nothing_is_known_before_the_first() -> None:
    assert forecast([], timed(100, 3, 16)) is None


def test_one_training_is_scaled_by_the_records_read() -> None:
    found = forecast([Timing(records=100, epochs=3, batch_size=16, seconds=30)], timed(200, 3, 16))
    assert found is not None
    assert found.seconds == pytest.approx(60)
    assert found.high == pytest.approx(60 * 1.15)


def test_a_sum_of_parts_is_foretold_exactly() -> None:
    done = [
        timed(r, e, b) for r, e, b in [(100, 3, 16), (300, 3, 16), (900, 3, 16), (300, 6, 32), (900, 2, 64)]
    ]
    wanted = timed(900, 4, 32)
    found = forecast(done, wanted)
    assert found is not None
    assert found.seconds == pytest.approx(wanted.seconds, rel=1e-3)


def test_noise_widens_the_margin() -> None:
    draw = random.Random(0)
    sizes = [(100, 3, 16), (300, 3, 16), (900, 3, 16)] * 5
    calm, wild = (
        forecast([timed(*size, noise=draw.uniform(1 - n, 1 + n)) for size in sizes], timed(900, 3, 16))
        for n in (0.01, 0.3)
    )
    assert calm is not None and wild is not None
    assert calm.high / calm.seconds < 1.06
    assert wild.high / wild.seconds > 1.1
