"""Effective numbers with known values, and the Vendi score against its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sftloop.curate.spread import diversity
from sftloop.curate.spread.diversity import effective_number, vendi_score


def by_definition(rows):
    """exp of the entropy of the eigenvalues of the n × n kernel matrix over n."""
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(units @ units.T / len(rows))
    values = values[values > 1e-12]
    return np.exp(-(values * np.log(values)).sum())


def test_effective_numbers_by_hand():
    assert effective_number([]) == 0
    assert effective_number(["a"] * 5) == pytest.approx(1)
    assert effective_number("abcd" * 3) == pytest.approx(4)
    assert effective_number(["a", "a", "a", "b"]) == pytest.approx(0.75**-0.75 * 0.25**-0.25)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=60))
def test_an_effective_number_lies_between_one_and_the_number_of_kinds(items):
    assert 1 - 1e-9 <= effective_number(items) <= len(set(items)) + 1e-9


def test_vendi_of_equal_and_of_orthogonal_rows():
    assert vendi_score(np.ones((50, 7))) == pytest.approx(1)
    assert vendi_score(np.eye(7)) == pytest.approx(7)
    assert vendi_score(np.repeat(np.eye(3), 40, axis=0) * 5) == pytest.approx(3), "length plays no part"
    assert vendi_score(np.zeros((0, 4))) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 1000))
def test_vendi_equals_its_definition_whichever_side_is_larger(n, d, seed):
    rows = np.random.default_rng(seed).standard_normal((n, d))
    assert vendi_score(rows) == pytest.approx(by_definition(rows), rel=1e-9)


def test_a_copy_adds_nothing_and_zeros_do_not_break_it():
    rows = np.random.default_rng(0).standard_normal((30, 5))
    assert vendi_score(np.vstack([rows, rows])) == pytest.approx(vendi_score(rows))
    assert np.isfinite(vendi_score(np.vstack([rows, np.zeros((3, 5))])))


def test_projected_rows_keep_the_score(monkeypatch):
    draw = np.random.default_rng(1)
    rows = np.repeat(draw.standard_normal((9, 200)), 30, axis=0) + 0.05 * draw.standard_normal((270, 200))
    exact = vendi_score(rows)
    monkeypatch.setattr(diversity, "_EXACT_UP_TO", 128)
    assert vendi_score(rows) == pytest.approx(exact, rel=0.05)
    assert vendi_score(rows, seed=3) == vendi_score(rows, seed=3)
