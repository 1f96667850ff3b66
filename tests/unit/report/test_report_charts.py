"""Pictures: axes, positions, and what is left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.report.charts.curves import Curve, curve_plot
from sftloop.report.charts.differences import Difference, difference_axis, difference_row
from sftloop.report.charts.heat_map import heat_map
from sftloop.report.charts.svg import element, round_axis

numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(numbers, numbers)
def test_axis_holds_its_values_between_round_ticks(first, second):
    low, high = sorted((first, second))
    axis = round_axis(low, high)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert axis.low <= low + slack and high <= axis.high + slack
    assert 2 <= len(axis.ticks) <= 8
    assert list(axis.ticks) == sorted(set(axis.ticks))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, (0.0, 0.25, 0.5, 0.75, 1.0)),
        (0, 2.2, (0.0, 1.0, 2.0, 3.0)),
        (3, 3, (3.0, 3.25, 3.5, 3.75, 4.0)),
        (-13.4, 60.8, (-20.0, 0.0, 20.0, 40.0, 60.0, 80.0)),
    ],
)
def test_axis_by_hand(low, high, ticks):
    assert round_axis(low, high).ticks == ticks


def test_element_escapes_text_and_attributes():
    drawn = element("text", "<b>&", class_='a"b', text_anchor="end", dx=None, x=1.5)
    assert drawn == '<text class="a&#34;b" text-anchor="end" x="1.5">&lt;b&gt;&amp;</text>'


def test_difference_stands_where_it_belongs():
    item = Difference(value=25.0, low=0.0, high=50.0, verdict="better", label="d")
    axis = difference_axis([item, Difference(value=0, low=-50, high=40, verdict="worse", label="e")])
    assert (axis.low, axis.high) == (-50, 50)
    drawn = difference_row(item, axis)
    assert 'class="interval better" x1="50%" x2="100%"' in drawn
    assert 'cx="75%"' in drawn


def test_heat_map_draws_only_what_occurred():
    table = {"a": {"a": 3, "b": 1, "(invalid)": 0}, "b": {"a": 0, "b": 0, "(invalid)": 0}}
    drawn = heat_map(table, "t", invalid="(invalid)", invalid_name="none")
    assert re.findall(r'class="(right|wrong)".*?fill-opacity="([\d.]+)"', drawn) == [
        ("right", "0.49"),
        ("wrong", "0.24"),
    ]
    assert "none" not in drawn
    assert re.findall(r'class="count">(\d+)<', drawn) == ["3", "1"]


def test_heat_map_names_narrow_tables_and_numbers_wide_ones():
    narrow = heat_map({name: {name: 1} for name in "ab"}, "t", invalid="?", invalid_name="none")
    assert re.findall(r'class="column">(.+?)<', narrow) == ["a", "b"]
    labels = [f"quite_a_long_label_{n}" for n in range(12)]
    wide = heat_map({name: {name: 1} for name in labels}, "t", invalid="?", invalid_name="none")
    assert re.findall(r'class="column">(.+?)<', wide) == [str(n) for n in range(1, 13)]


def test_one_point_is_a_curve():
    drawn = curve_plot([Curve(points=[(1, 0.5)], style="c0", kept=(1, 0.5))], "t", step_name="steps")
    assert 'class="dot kept"' in drawn and "nan" not in drawn


def test_a_level_curve_stands_on_an_axis_from_zero():
    points = [(0, 1.0), (2, 1.0)]
    drawn = curve_plot([Curve(points=points, style="c0")], "t", step_name="steps", from_zero=False)
    assert re.findall(r'text-anchor="end">([\d.]+)<', drawn) == ["0", "0.25", "0.5", "0.75", "1"], (
        "not up to 2"
    )


def test_steps_end_short_of_their_name():
    drawn = curve_plot([Curve(points=[(1, 1.0), (100, 0.5)], style="c0")], "t", step_name="steps")
    ticks = re.findall(r'text-anchor="middle">(\d+)<', drawn)
    assert ticks == ["0", "25", "50", "75"]


def test_heat_map_of_very_many_labels_is_dense_and_still_fits_a_page():
    labels = [f"label {n}" for n in range(1, 78)]
    table = {name: {name: 30, "?": 1} for name in labels}
    drawn = heat_map(table, "t", invalid="?", invalid_name="no label")
    assert re.findall(r'class="column">(.+?)<', drawn) == ["1", *map(str, range(5, 80, 5)), "no label"]
    assert 'class="count"' not in drawn
    width = re.search(r'<svg class="chart heat" width="([\d.]+)"', drawn)
    assert width is not None and float(width[1]) < 992
