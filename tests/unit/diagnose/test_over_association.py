"""Claims, precision beside recall, unsupported claims: hand-worked for labels, sets of labels and fields."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.diagnose.cases import ORDER, TOPICS, child, post, said, scenario

from sftloop.diagnose.claims import abstained, claimed, claims_of, same_claims
from sftloop.diagnose.extracted import field_figures
from sftloop.diagnose.over_association import item_figures, unsupported_positives
from sftloop.evaluate.align import align
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer

CHILD = child().tasks["child"]


def figures(pairs: list[tuple[str, str | None]], groups: list[str] | None = None):
    records = [post(f"r{n}", gold, ["x"]) for n, (gold, _) in enumerate(pairs)]
    answers = [said(record, given) for record, (_, given) in zip(records, pairs, strict=True)]
    return claims_of(CHILD, align(CHILD, records, answers))


def test_an_eager_model_has_recall_above_precision() -> None:
    """4 of 4 found, 3 untrue beside them: precision 4/7, recall 1, gap 3/7, 3 of 6 others claimed."""
    claims = figures([("有", "有")] * 4 + [("无法判断", "有")] * 3 + [("无法判断", "无法判断")] * 3)
    row = item_figures(claims, seed=0)["有"]
    assert row["precision"]["value"] == pytest.approx(4 / 7) and row["precision"]["n"] == 7
    assert row["recall"]["value"] == 1 and row["recall"]["n"] == 4
    assert row["gap"]["value"] == pytest.approx(3 / 7)
    assert row["f1"]["value"] == pytest.approx(8 / 11)
    assert (row["unsupported"]["value"], row["unsupported"]["n"]) == (0.5, 6)
    assert row["gap"]["low"] <= row["gap"]["value"] <= row["gap"]["high"]
    assert row["precision"]["method"] == "wilson"
    assert unsupported_positives(claims) | {"low": 0, "high": 0} == {
        "value": 0.5, "n": 6, "low": 0, "high": 0, "method": "wilson",
    }  # fmt: skip


def test_an_unreadable_answer_claims_nothing_and_abstains_from_nothing() -> None:
    record = post("a", "无法判断", ["x"])
    for answer in (said(record, None), said(record, "不知道")):
        assert claimed(CHILD, answer.answer) is None
        assert not abstained(CHILD, answer) and not same_claims(CHILD, record, answer)
    assert abstained(CHILD, said(record, "无法判断"))
    assert unsupported_positives(figures([("无法判断", None)]))["value"] == 0


def test_a_label_never_given_has_no_precision() -> None:
    row = item_figures(figures([("有", "无法判断"), ("无法判断", "无法判断")]), seed=0)["有"]
    assert row["precision"]["value"] is None and row["gap"]["value"] is None
    assert row["recall"]["value"] == 0


def test_no_record_without_support_no_rate() -> None:
    assert unsupported_positives(figures([("有", "有")]))["value"] is None


LABEL = st.sampled_from(["有", "没有", "无法判断"])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(LABEL, LABEL), min_size=1, max_size=20))
def test_the_gap_is_recall_less_precision(pairs: list[tuple[str, str]]) -> None:
    for label, row in item_figures(figures(pairs), seed=1).items():
        gold = [label == one for one, _ in pairs]
        given_ = [label == one for _, one in pairs]
        both = sum(a and b for a, b in zip(gold, given_, strict=True))
        if sum(gold) and sum(given_):
            assert row["gap"]["value"] == pytest.approx(both / sum(gold) - both / sum(given_))
        else:
            assert row["gap"]["value"] is None


def test_several_labels_none_expected() -> None:
    task = scenario("en", topics=TOPICS).tasks["topics"]
    golds: list[tuple[str, ...]] = [("food",), (), ()]
    records = [
        Record(id=str(n), task="topics", input={"message": "x"}, answer=Answer(labels=gold))
        for n, gold in enumerate(golds)
    ]
    given_: list[tuple[str, ...]] = [("food", "money"), ("money",), ()]
    answers = [
        Prediction(id=str(n), task="topics", answer=Answer(labels=own)) for n, own in enumerate(given_)
    ]
    claims = claims_of(task, align(task, records, answers))
    assert unsupported_positives(claims)["value"] == 0.5
    found = item_figures(claims, seed=0)
    assert found["food"]["precision"]["value"] == 1
    assert found["money"]["unsupported"]["value"] == pytest.approx(2 / 3)


def test_fields_filled_out_of_nothing() -> None:
    """Two records: `place` is given on both and expected on one; one of its values stands nowhere."""
    task = scenario("en", order=ORDER).tasks["order"]
    texts = ["Send two lamps to Bath.", "I need a chair."]
    golds = [{"item": "lamps", "place": "Bath", "count": 2}, {"item": "chair", "place": None, "count": None}]
    given_ = [{"item": "lamps", "place": "Bath", "count": 2}, {"item": "chair", "place": "Leeds", "count": 1}]
    records = [
        Record(id=str(n), task="order", input={"message": text}, answer=Answer(fields=gold))
        for n, (text, gold) in enumerate(zip(texts, golds, strict=True))
    ]
    answers = [Prediction(id=str(n), task="order", answer=Answer(fields=own)) for n, own in enumerate(given_)]
    scored = align(task, records, answers)
    found = field_figures(task, scored, item_figures(claims_of(task, scored), seed=0))
    assert found["place"]["precision"]["value"] == 0.5 and found["place"]["recall"]["value"] == 1
    assert (found["place"]["unsupported"]["value"], found["place"]["unsupported"]["n"]) == (1, 1)
    assert found["place"]["invented"]["value"] == 0.5 and found["place"]["invented"]["n"] == 2
    assert found["item"]["invented"]["value"] == 0
    assert found["count"]["invented"] is None, "a number may be written otherwise in the input"


def test_groups_widen_the_interval() -> None:
    from dataclasses import replace

    records = [replace(post(f"r{n}", "有", ["x"]), group=f"g{n // 5}") for n in range(20)]
    answers = [said(record, "有" if n < 10 else "没有") for n, record in enumerate(records)]
    alone = [replace(record, group=None) for record in records]
    grouped, single = (
        item_figures(claims_of(CHILD, align(CHILD, own, answers)), seed=0)["有"]["recall"]
        for own in (records, alone)
    )
    assert grouped["value"] == single["value"] == 0.5
    assert np.diff([grouped["low"], grouped["high"]]) > np.diff([single["low"], single["high"]])


def test_a_rare_label_is_no_surer_than_its_records_allow() -> None:
    row = item_figures(figures([("有", "有")] * 2 + [("无法判断", "无法判断")] * 98), seed=0)["有"]
    assert row["f1"]["value"] == 1.0
    assert row["f1"]["low"] == pytest.approx(row["precision"]["low"])
