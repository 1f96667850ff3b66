"""Holm's correction: a hand-worked example, and the family's error rate by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.evaluate.holm import holm


def test_a_hand_worked_example():
    # ordered 0.01 · 4, 0.02 · 3, 0.03 · 2, 0.5 · 1
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])


def test_nothing_to_correct():
    assert holm([]) == []
    assert holm([0.04]) == [0.04]


@given(st.lists(st.floats(0, 1), max_size=12))
def test_adjusted_values_keep_the_order_and_never_fall(values):
    found = holm(values)
    assert all(value <= new <= 1 for value, new in zip(values, found, strict=True))
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(found)[order]) >= 0)


def test_the_family_keeps_its_level():
    draws = np.random.default_rng(0).random((4000, 6))
    alarms = np.mean([min(holm(row)) < 0.05 for row in draws])
    assert alarms == pytest.approx(0.05, abs=0.012)
