"""How many calls at once: found by growing, held below what is refused, never grown into a queue."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.models.remote.concurrency import Concurrency
from sftloop.models.remote.patience import Patience


def test_it_asks_once_then_doubles_per_round_trip_until_the_first_refusal() -> None:
    limit = Concurrency(most=64)
    seen = []
    for now in range(5):
        seen.append(limit.allowed)
        for _ in range(limit.allowed):
            limit.answered(now, 1.0, limit.allowed)
    assert seen == [1, 4, 8, 16, 32]


def test_answers_below_the_limit_prove_nothing() -> None:
    limit = Concurrency(most=64)
    limit.answered(0.0, 1.0, 1)
    limit.answered(0.0, 1.0, 3)
    assert limit.allowed == 4


def _grown(to: int) -> Concurrency:
    limit = Concurrency(most=64)
    while limit.allowed < to:
        limit.answered(0.0, 1.0, limit.allowed)
    return limit


def test_a_refusal_takes_a_tenth_and_the_wait_holds_for_all() -> None:
    limit = _grown(20)
    limit.refused(5.0, sent=4.9, under_way=20, wait=3.0)
    assert limit.allowed == 18
    assert limit.paused_until == 8.0


def test_refusals_of_one_round_count_once_and_of_the_next_again() -> None:
    limit = _grown(20)
    for _ in range(5):
        limit.refused(5.0, sent=4.9, under_way=20, wait=None)
    assert limit.allowed == 18
    limit.refused(6.0, sent=5.5, under_way=18, wait=None)
    assert limit.allowed == int(18 * 0.7)


def test_it_grows_back_to_where_it_was_refused_and_stays_there_for_a_while() -> None:
    limit = _grown(20)
    limit.refused(5.0, sent=4.9, under_way=20, wait=1.0)
    for _ in range(200):
        limit.answered(30.0, 1.0, limit.allowed)
    assert limit.allowed == 19
    for _ in range(40):
        limit.answered(5.0 + 40.0, 1.0, limit.allowed)
    assert limit.allowed > 19


def test_it_does_not_grow_while_answers_only_queue() -> None:
    """A server that works on one call at a time: latency is the number of calls under way."""
    limit = Concurrency(most=64)
    for now in range(400):
        limit.answered(float(now), float(limit.allowed), limit.allowed)
    assert limit.allowed <= 16


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 80), st.floats(0.0, 5.0)), max_size=200))
def test_it_stays_between_one_and_the_most(events) -> None:
    limit = Concurrency(most=16)
    for now, (answered, under_way, wait) in enumerate(events):
        if answered:
            limit.answered(float(now), wait, under_way)
        else:
            limit.refused(float(now), float(now) - 0.5, under_way, wait)
        assert 1 <= limit.allowed <= 16


@pytest.mark.parametrize("capacity", [5, 24, 50])
def test_a_server_with_so_many_places_is_kept_busy(capacity: int) -> None:
    """A simulated hour-free clock: refusals come with a wait of a second, answers take half a second or so."""
    draw, limit, now = random.Random(1), Concurrency(most=64), 0.0
    busy: list[tuple[float, float]] = []
    worked = 0.0
    while now < 120.0:
        while busy and busy[0][0] <= now:
            _, sent = heapq.heappop(busy)
            limit.answered(now, now - sent, len(busy) + 1)
        while now >= limit.paused_until and len(busy) < limit.allowed:
            if len(busy) >= capacity:
                limit.refused(now, now, len(busy) + 1, 1.0)
                continue
            seconds = draw.uniform(0.3, 0.7)
            worked += seconds
            heapq.heappush(busy, (now + seconds, now))
        ends = [busy[0][0]] if busy else []
        now = min([*ends, *([limit.paused_until] if limit.paused_until > now else [])])
    assert worked / (120.0 * capacity) >= 0.9


def test_patience_follows_what_answers_take_and_doubles() -> None:
    patience = Patience(120.0)
    assert patience.seconds(0) == 120.0
    for _ in range(100):
        patience.answered(1.0)
    assert [patience.seconds(tries) for tries in range(6)] == [5.0, 10.0, 20.0, 40.0, 80.0, 120.0]
    patience.forget()
    assert patience.seconds(0) == 120.0, "another task's answers may take longer"


def test_quick_answers_do_not_make_impatient() -> None:
    patience = Patience(120.0)
    for _ in range(100):
        patience.answered(0.01)
    assert patience.seconds(0) == 2.0
