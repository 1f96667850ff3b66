"""Label probabilities out of listed tokens, against numbers worked by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftloop.models.remote.label_chances import label_probabilities
from sftloop.models.remote.reply import Token
from sftloop.scenario import Task


def task(*labels: str, reason: bool = False) -> Task:
    return Task(kind="choice", input=["text"], labels=dict.fromkeys(labels, ""), answer={"reason": reason})


def token(*shares: tuple[str | bytes, float]) -> Token:
    """A place in the text: the first piece was written."""
    pieces = [(piece.encode() if isinstance(piece, str) else piece, math.log(p)) for piece, p in shares]
    return Token(*pieces[0], tuple(pieces))


def test_labels_that_differ_in_their_first_token() -> None:
    found = label_probabilities(task("card", "loan"), [token(("card", 0.6), ("loan", 0.2), ("I", 0.1))])
    assert found == pytest.approx({"card": 0.75, "loan": 0.25})


def test_a_space_in_front_of_a_label_does_not_matter() -> None:
    found = label_probabilities(task("card", "loan"), [token((" card", 0.6), ("loan", 0.1), (" loan", 0.1))])
    assert found == pytest.approx({"card": 0.75, "loan": 0.25})


def test_labels_that_part_later() -> None:
    """lost_ 0.8 leads on; card 0.7 and phone 0.3 behind it; found 0.2 at the first place."""
    written = [token(("lost_", 0.8), ("found", 0.2)), token(("card", 0.7), ("phone", 0.3))]
    found = label_probabilities(task("lost_card", "lost_phone", "found"), written)
    assert found == pytest.approx({"lost_card": 0.56, "lost_phone": 0.24, "found": 0.2})


def test_what_an_unwritten_token_leaves_open_is_shared_evenly() -> None:
    found = label_probabilities(
        task("lost_card", "lost_phone", "found"), [token(("found", 0.6), ("lost", 0.4))]
    )
    assert found == pytest.approx({"lost_card": 0.2, "lost_phone": 0.2, "found": 0.6})


def test_inside_json() -> None:
    lead = [token(('{"', 1.0)), token(("label", 1.0)), token(('":', 1.0)), token((' "', 1.0))]
    rest = [token(("no", 0.9), ("yes", 0.1)), token(('",', 1.0)), token((' "reason": "yes"}', 1.0))]
    assert label_probabilities(task("yes", "no", reason=True), [*lead, *rest]) == pytest.approx(
        {"yes": 0.1, "no": 0.9}
    )


def test_a_token_that_holds_the_quote_and_the_label() -> None:
    written = [
        token(('{"label":', 1.0)),
        token((' "no', 0.7), (' "yes', 0.2), (" no", 0.1)),
        token(('"}', 1.0)),
    ]
    found = label_probabilities(task("yes", "no", reason=True), written)
    assert found == pytest.approx({"yes": 2 / 9, "no": 7 / 9})


def test_a_label_that_begins_another_ends_with_the_text_or_the_quote() -> None:
    plain = [token(("有", 0.7), ("无", 0.3))]
    assert label_probabilities(task("有", "有房", "无"), plain) == pytest.approx(
        {"有": 0.7, "有房": 0, "无": 0.3}
    )
    quoted = [
        token(('{"label": "', 1.0)),
        token(("有", 1.0)),
        token(('"', 0.6), ("房", 0.4)),
        token((",", 1.0)),
    ]
    found = label_probabilities(task("有", "有房", "无", reason=True), quoted)
    assert found == pytest.approx({"有": 0.6, "有房": 0.4, "无": 0})


def test_tokens_that_end_inside_a_character() -> None:
    first, second = "有".encode()[:2], "有".encode()[2:]
    written = [token((first, 0.8), ("没有", 0.2)), token((second, 1.0))]
    assert label_probabilities(task("有", "没有"), written) == pytest.approx({"有": 0.8, "没有": 0.2})


@pytest.mark.parametrize("text", ["I think", "  ", "cardigan"])
def test_text_that_is_no_label_has_no_probabilities(text) -> None:
    assert label_probabilities(task("card", "loan"), [token((text, 0.9), ("loan", 0.1))]) is None


@given(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), st.integers(0, 2))
def test_they_sum_to_one_and_follow_the_tokens(weights, written) -> None:
    labels = ["one", "two", "three"]
    order = [labels[written], *(name for name in labels if name != labels[written])]
    total = sum(weights) / 0.9
    shares = {name: weight / total for name, weight in zip(order, weights, strict=True)}
    found = label_probabilities(task(*labels), [token(*shares.items())])
    assert found is not None and sum(found.values()) == pytest.approx(1)
    assert all(found[name] == pytest.approx(share / 0.9) for name, share in shares.items())
