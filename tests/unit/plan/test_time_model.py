"""The model of time: known costs found again, few and noisy timings, pauses, drift, how often intervals cover."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftloop.plan.time_forecast import (
    Part,
    as_measured,
    at_costs,
    deviation,
    kept_steps,
    refined,
    together,
    with_interval,
)
from sftloop.plan.time_model import Array, Work, fit_costs

TRUE = Work(steps=0.3, passes=0.08, prefix_tokens=0.0021, tokens=0.0026, pairs=1.1e-6)
RELATIVE = Work(steps=60, passes=16, prefix_tokens=1, tokens=1, pairs=3e-4)
"""What operation counts say: off by up to 2.4 times."""

Noise = Callable[[np.random.Generator, Array], Array]


def steps(draw: np.random.Generator, count: int) -> list[Work]:
    """Steps of 16 records behind one of two prefixes, of lengths that differ."""
    rows = []
    for _ in range(count):
        lengths = draw.integers(10, 80, 16) + 40 * int(draw.random() < 0.5)
        prefix, tokens = int(draw.choice([430, 300])), int(lengths.sum())
        pairs = float((lengths * prefix + lengths**2 / 2).sum() + prefix**2 / 2)
        rows.append(Work(1, 1 + math.ceil(tokens / 512), prefix, tokens, pairs))
    return rows


RUN = steps(np.random.default_rng(0), 300)


def exact(work: list[Work]) -> Array:
    return np.asarray(work) @ np.asarray(TRUE)


def even(share: float) -> Noise:
    return lambda draw, times: times * np.maximum(0.2, 1 + share * draw.standard_normal(len(times)))


def slow_at_times(draw: np.random.Generator, times: Array) -> Array:
    """One step in twenty takes three times as long."""
    return even(0.03)(draw, times) * np.where(draw.random(len(times)) < 0.05, 3, 1)


def drifting(draw: np.random.Generator, times: Array) -> Array:
    """The machine is 8 % faster or slower for twenty steps at a time."""
    speed = [draw.standard_normal()]
    for _ in times[1:]:
        speed.append(0.95 * speed[-1] + math.sqrt(1 - 0.95**2) * draw.standard_normal())
    return even(0.03)(draw, times) * np.exp(0.08 * np.asarray(speed))


def trial(draw: np.random.Generator, noise: Noise, pilot: int, earlier: list[float]) -> tuple[float, bool]:
    """Forecast 300 steps from a pilot; return the error and whether the interval covers; note the score."""
    run, timed = RUN, [RUN[index] for index in draw.integers(len(RUN), size=pilot)]
    part = at_costs(fit_costs(timed, noise(draw, exact(timed)).tolist(), RELATIVE), run)
    forecast, clock = with_interval(part, earlier), float(noise(draw, exact(run)).sum())
    earlier.append(math.log(clock / forecast.seconds) / deviation(part))
    return clock / forecast.seconds - 1, forecast.low <= clock <= forecast.high


def test_known_costs_are_found_again() -> None:
    work = steps(np.random.default_rng(1), 200)
    found = fit_costs(work, exact(work).tolist(), RELATIVE)
    assert found.spread < 0.005
    for name in ("prefix_tokens", "tokens"):
        assert getattr(found.seconds_per, name) == pytest.approx(getattr(TRUE, name), rel=0.1)
    assert found.seconds(work) == pytest.approx(exact(work), rel=1e-3)


def test_by_hand_two_steps_of_one_kind_of_work() -> None:
    found = fit_costs([Work(tokens=100), Work(tokens=300)], [2.0, 6.0], Work(tokens=1))
    assert found.seconds_per == pytest.approx(Work(tokens=0.02))
    assert at_costs(found, [Work(tokens=50)] * 10).seconds == pytest.approx(10.0)


def test_what_was_not_timed_costs_what_operation_counts_say() -> None:
    found = fit_costs([Work(tokens=100)] * 3, [2.0] * 3, Work(tokens=1, pairs=0.5))
    assert found.seconds_per.pairs == pytest.approx(0.01, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(scale=st.floats(1e-4, 1e4), seed=st.integers(0, 50), count=st.integers(1, 12))
def test_a_machine_that_is_slower_gets_times_that_are_longer_and_no_cost_is_negative(
    scale: float, seed: int, count: int
) -> None:
    draw = np.random.default_rng(seed)
    timed, run = steps(draw, count), steps(draw, 20)
    times = even(0.2)(draw, exact(timed))
    first = fit_costs(timed, times.tolist(), RELATIVE)
    second = fit_costs(timed, (scale * times).tolist(), RELATIVE)
    assert min(first.seconds_per) >= 0
    assert at_costs(second, run).seconds == pytest.approx(scale * at_costs(first, run).seconds, rel=1e-6)


@pytest.mark.parametrize(
    ("noise", "pilot", "most", "least"),
    [
        (even(0.03), 3, 0.03, 0.85),
        (even(0.03), 30, 0.01, 0.9),
        (even(0.10), 4, 0.06, 0.75),
        (even(0.10), 30, 0.02, 0.85),
    ],
    ids=["3 %, 3 steps", "3 %, 30 steps", "10 %, 4 steps", "10 %, 30 steps"],
)
def test_error_and_coverage_without_any_history(noise: Noise, pilot: int, most: float, least: float) -> None:
    draw = np.random.default_rng(7)
    errors, inside = zip(*(trial(draw, noise, pilot, []) for _ in range(60)), strict=True)
    assert float(np.median(np.abs(errors))) <= most
    assert abs(float(np.median(errors))) <= most / 2, "neither too long nor too short"
    assert np.mean(inside) >= least


@pytest.mark.parametrize("noise", [slow_at_times, drifting])
def test_intervals_learn_from_forecasts_that_were_scored(noise: Noise) -> None:
    """What a short pilot can't see, the history tells after eight scored forecasts."""
    draw = np.random.default_rng(3)
    first, later = [], []
    for _ in range(8):
        earlier: list[float] = []
        inside = [trial(draw, noise, 6, earlier)[1] for _ in range(16)]
        first += inside[:2]
        later += inside[8:]
    assert np.mean(later) >= 0.75
    assert np.mean(later) > np.mean(first) + 0.1


def test_one_pause_in_a_short_pilot_is_not_taken_for_the_machine() -> None:
    work = [Work(tokens=100)] * 4
    paused = fit_costs(work, [1.0, 1.0, 5.0, 1.0], Work(tokens=1))
    assert 100 * paused.seconds_per.tokens < 1.2
    assert paused.spread > 0.1, "but it is not forgotten either"


def test_pauses_that_come_again_are_part_of_the_time() -> None:
    work = [Work(tokens=100)] * 200
    found = fit_costs(work, ([1.0] * 9 + [3.0]) * 20, Work(tokens=1))
    assert 100 * found.seconds_per.tokens == pytest.approx(1.2, rel=0.02)


def test_slow_change_is_told_from_noise() -> None:
    draw = np.random.default_rng(5)
    work = [Work(tokens=100)] * 40
    noisy = fit_costs(work, even(0.05)(draw, np.ones(40)).tolist(), Work(tokens=1))
    rising = fit_costs(work, np.linspace(0.85, 1.15, 40).tolist(), Work(tokens=1))
    assert rising.drift > 0.07
    assert noisy.drift < 0.03


def test_parts_add_up_by_hand() -> None:
    total = together([Part(30.0, 0.1, 0.02), Part(40.0, 0.1, 0.02), Part(30.0, 0.0, 0.0)])
    assert total == pytest.approx((100.0, 0.05, 0.014))
    assert together([]) == Part(0.0, 0.0, 0.0)
    assert as_measured([2.0], 9).seconds == 18.0
    assert as_measured([2.0], 9).own == pytest.approx(0.05)


def test_an_interval_widens_with_the_errors_of_earlier_forecasts() -> None:
    part = Part(100.0, 0.03, 0.04)
    fresh, right, wrong = (with_interval(part, earlier) for earlier in ([], [0.5] * 10, [3.0] * 10))
    assert math.log(fresh.high / 100) == pytest.approx(2.132 * 0.05, rel=1e-3)
    assert right.high < fresh.high < wrong.high
    assert fresh.low * fresh.high == pytest.approx(100.0**2)


def test_a_run_twice_as_slow_as_forecast_is_forecast_anew() -> None:
    expected = np.ones(100)
    whole = Part(100.0, 0.3, 0.02)
    assert refined(expected, 0.0, 0, whole, 0.05).seconds == 100.0
    late = refined(expected, 100.0, 50, whole, 0.05)
    assert late.seconds == pytest.approx(100.0, rel=0.02)
    assert deviation(late) < deviation(refined(expected, 4.0, 2, whole, 0.05)) < deviation(whole)
    assert refined(expected, 200.0, 100, whole, 0.05).seconds == 0.0


def test_checkpoints_by_hand() -> None:
    assert kept_steps([1.0] * 50, every=20, took=0.1, wait=20) == 3, "after 20, 40 and 50"
    assert kept_steps([1.0] * 50, every=20, took=2.0, wait=20) == 1, "by 50, 40 s have not passed since 20"
    assert kept_steps([], every=20, took=0.1, wait=20) == 0
