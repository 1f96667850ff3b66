"""Two measured peaks correct the ledger."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from sftloop.core.errors import UsageError
from sftloop.plan import calibrated


@given(st.integers(0, 10**10), st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_a_line_is_found_from_any_two_of_its_points(fixed, slope, few, more):
    found = calibrated((few, fixed + slope * few), (few + more, fixed + slope * (few + more)))
    assert found.at(3 * few) == pytest.approx(fixed + slope * 3 * few, rel=1e-9)


def test_the_order_of_points_doesnt_matter():
    assert calibrated((10, 100), (20, 150)) == calibrated((20, 150), (10, 100))


def test_a_prediction_with_a_bend_is_kept():
    """Up to 100 tokens the optimizer's step is fullest; the ledger knows, two points on the flat part don't."""

    def predict(tokens: int) -> int:
        return max(1000, 10 * tokens)

    found = calibrated((10, 1007), (50, 1007), predict)
    assert found.at(200) == 2007


@pytest.mark.parametrize("points", [((10, 5), (10, 6)), ((0, 5), (10, 6)), ((3, 0), (10, 6))])
def test_points_that_say_nothing_are_refused(points):
    with pytest.raises(UsageError, match="define no line"):
        calibrated(*points)
