"""Figures of `generate` tasks against sacrebleu and by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import CHRF
from tests.unit.evaluate.cases import UNPARSED, build_answered, build_task

from sftloop.evaluate import task_metrics

TASK = build_task("generate", instruction="Answer.")
texts = st.text(alphabet="abc de北京。", min_size=1, max_size=25).filter(str.strip)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=12))
def test_chrf_equals_sacrebleu(pairs):
    expected, said = [a for a, _ in pairs], [b for _, b in pairs]
    found = task_metrics(TASK, *build_answered(TASK, expected, said), resamples=20)
    reference = CHRF().corpus_score(said, [expected]).score / 100
    assert found["metrics"]["chrf"]["value"] == pytest.approx(reference, abs=1e-9)


def test_by_hand():
    found = task_metrics(TASK, *build_answered(TASK, ["ab", "你好  吗", "cd"], ["ac", "你好 吗", UNPARSED]))
    values = {name: metric["value"] for name, metric in found["metrics"].items()}
    assert values["exact_match"] == pytest.approx(1 / 3)
    assert values["char_f1"] == pytest.approx((0.5 + 1 + 0) / 3)


def test_an_unparsable_answer_is_no_match_for_anything():
    records, predictions = build_answered(TASK, ["a"], [UNPARSED])
    found = task_metrics(TASK, records, predictions)
    assert [found["metrics"][m]["value"] for m in ("exact_match", "char_f1", "chrf")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("expected", "said", "equal"),
    [
        ("Room 4", "<think>\nThe guest asks.\n</think>\n\nRoom 4", 1),
        ("Room 4", "The guest asks.</think>Room 4", 1),
        ("Room 4", "<think>Room 4", 0),
        ("<think>a guest</think>Room 4", "<think>a guest</think>Room 4", 1),
        ("<think>a guest</think>Room 4", "Room 4", 0),
    ],
)
def test_thoughts_are_no_part_of_the_text_unless_the_record_has_them(expected, said, equal):
    found = task_metrics(TASK, *build_answered(TASK, [expected], [said]))
    assert found["metrics"]["exact_match"]["value"] == equal
