"""One task from probes to figures, changes and suggestions, with answers made by hand in place of a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.tiny_models import tiny_model
from tests.tiny_scenario import scenario as tiny_scenario
from tests.tiny_scenario import tiny_encoder
from tests.unit.diagnose.cases import CHILD, ORDER, POSTS, TOPICS, child, scenario

from sftloop.diagnose.before_after import compare_diagnoses
from sftloop.diagnose.probes import Answered, Probes, probes_of
from sftloop.diagnose.sampled import SampledModel
from sftloop.diagnose.suggestion import WORDS
from sftloop.diagnose.suggestions import DRAFTS, suggest
from sftloop.diagnose.task_diagnosis import diagnose_task
from sftloop.diagnose.variants import stability_figures, variants_of
from sftloop.evaluate.proportions import wilson_interval
from sftloop.models import LocalModel
from sftloop.records import Prediction, Record, check_record
from sftloop.scenario import Answer, format_answer, render_prompt

CASE = child()
TASK = CASE.tasks["child"]
MANY = [replace(record, id=f"{record.id}#{n}") for n in range(6) for record in POSTS]
Answers = Callable[[Record], str]


def right(record: Record) -> str:
    return record.answer.label or ""


def eager(record: Record) -> str:
    """Claims a child wherever there isn't a plain denial."""
    return "没有" if record.answer.label == "没有" else "有"


def answer(records: Sequence[Record], say: Answers) -> list[Prediction]:
    found = []
    for record in records:
        label = say(record)
        table = {name: 0.9 if name == label else 0.05 for name in TASK.labels}
        own = Answer(label=label, evidence=record.answer.evidence or ())
        found.append(Prediction(id=record.id, task="child", answer=own, probabilities=table))
    return found


def answered(probes: Probes, say: Answers) -> Answered:
    return Answered(
        records=answer(probes.records, say),
        validation=answer(probes.validation, say),
        generated=answer(probes.generated(), say),
        varied={v.name: (v.aspect, answer(probes.varied, say)) for v in probes.variants},
    )


@pytest.fixture(scope="module")
def probes() -> Probes:
    return probes_of(CASE, TASK, MANY, MANY, quick=False, seed=0)


def test_an_eager_model_is_found_out(probes: Probes) -> None:
    found = diagnose_task(CASE, probes, answered(probes, eager), seed=0)
    assert found["n"] == 42 and found["errors"] == 0
    assert found["unsupported_positive_rate"]["value"] == 1
    assert found["labels"]["有"]["recall"]["value"] == 1
    assert found["labels"]["有"]["precision"]["value"] == pytest.approx(12 / 36)
    assert found["labels"]["没有"]["precision"]["value"] == 1
    assert found["abstention"]["recall"]["value"] == 0
    assert all(row["passed"] == 0 for row in found["traps"].values() if row["generated"])
    assert found["interventions"]["removed"]["abstains"]["value"] == 0
    assert found["interventions"]["alone"]["keeps"]["value"] == 1
    assert found["stability"]["label_order"]["agreement"]["value"] == 1
    assert found["stability"]["sampling"]["agreement"]["value"] == pytest.approx(0.9)
    assert found["calibration"]["accuracy"]["value"] == pytest.approx(18 / 42)
    assert found["threshold"]["why_not"] == "out_of_reach" and found["threshold"]["by_value"] is None
    json.dumps(found)


def test_a_careful_model_has_nothing_to_mend(probes: Probes) -> None:
    done = answered(probes, right)
    found = diagnose_task(CASE, probes, done, seed=0)
    assert found["unsupported_positive_rate"]["value"] == 0
    assert {row["value"] for row in found["traps"].values()} == {1.0}
    assert found["threshold"]["chosen"]["sure"] and found["threshold"]["why_not"] is None
    kinds = {one.kind for one in suggest(CASE, probes, done, found, MANY, seed=0)}
    assert kinds == {"rule"}, "only the rule that no trap tests"


def test_changes_are_tested_on_the_same_probes(probes: Probes) -> None:
    sides = {"child": answered(probes, eager)}, {"child": answered(probes, right)}
    better = compare_diagnoses({"child": probes}, *sides, seed=0)
    worse = compare_diagnoses({"child": probes}, *reversed(sides), seed=0)
    assert [(row["what"], row["item"]) for row in better] == [
        ("unsupported_positives", None), ("recall", "有"), ("precision", "有"), ("recall", "没有"),
        ("precision", "没有"), ("without_quote", None), ("evidence_removed", None), ("evidence_alone", None),
        ("traps", None),
    ]  # fmt: skip
    verdicts = {row["what"]: row["verdict"] for row in better if row["item"] in (None, "有")}
    assert verdicts == {
        "unsupported_positives": "better", "recall": "inconclusive", "precision": "better",
        "without_quote": "inconclusive", "evidence_removed": "better", "evidence_alone": "inconclusive",
        "traps": "better",
    }  # fmt: skip
    for first, second in zip(better, worse, strict=True):
        assert first["difference"] == pytest.approx(-second["difference"])
        assert first["p_adjusted"] >= first["p"]
        assert (first["verdict"], second["verdict"]) in {
            ("better", "worse"),
            ("inconclusive", "inconclusive"),
        }
    assert better[0]["difference"] == 1, "fewer unsupported claims is better"


def test_records_that_a_model_failed_on_are_left_out(probes: Probes) -> None:
    done = answered(probes, right)
    broken = [Prediction(id=p.id, task=p.task, error="too long") for p in done.records[:5]]
    partly = replace(done, records=[*broken, *done.records[5:]])
    assert diagnose_task(CASE, probes, partly, seed=0)["errors"] == 5
    tests = compare_diagnoses({"child": probes}, {"child": done}, {"child": partly}, seed=0)
    assert all(row["difference"] == 0 for row in tests)


def test_suggestions_are_few_concrete_and_made_of_training_records(probes: Probes) -> None:
    train = [replace(record, id=f"train-{record.id}") for record in POSTS]
    done = answered(probes, eager)
    found = suggest(CASE, probes, done, diagnose_task(CASE, probes, done, seed=0), train, seed=0)
    kinds = [one.kind for one in found]
    assert kinds == ["trap"] * 4 + ["evidence", "over_claim", "rule"]
    for one in found:
        said = one.to_json()
        assert "{" not in said["why"] + said["mend"] + said["zh"]["why"] + said["zh"]["mend"]
        assert len(one.drafts) <= DRAFTS
        for draft in one.drafts:
            assert draft.id.startswith("train-")
            assert check_record(draft, CASE) is None
            assert format_answer(TASK, draft.answer, "zh")
    assert any(one.drafts for one in found)
    assert suggest(CASE, probes, done, diagnose_task(CASE, probes, done, seed=0), [], seed=0)[0].drafts == []


def test_own_traps_are_not_called_drafts_of_training_records(probes: Probes) -> None:
    done = answered(probes, eager)
    diagnosis = diagnose_task(CASE, probes, done, seed=0)
    row = {"n": 5, "passed": 1, "value": 0.2, "title": None}
    for name, said in (("own", "of your own traps."), ("gossip", "of the kind “gossip”")):
        alone = {**diagnosis, "traps": {name: row}}
        [first, *_] = suggest(CASE, probes, done, alone, POSTS, seed=0)
        assert (first.kind, first.item, list(first.drafts)) == ("own_trap", name, [])
        told = first.to_json()
        assert said in told["why"] and "must not be trained on" in told["mend"]
        assert "{" not in told["why"] + told["zh"]["why"] + told["zh"]["mend"]


def test_answers_kept_without_evidence_are_mended_by_records_without_theirs(probes: Probes) -> None:
    def stubborn(record: Record) -> str:
        return "有" if record.id.endswith("~removed") else right(record)

    done = answered(probes, stubborn)
    found = suggest(CASE, probes, done, diagnose_task(CASE, probes, done, seed=0), POSTS, seed=0)
    [one] = [each for each in found if each.kind == "evidence"]
    assert [draft.answer.label for draft in one.drafts] == ["无法判断"] * len(one.drafts)
    assert {draft.id for draft in one.drafts} == {"yes-1~removed", "yes-2~removed"}
    assert all(draft.answer.reason for draft in one.drafts), "the task asks for a reason"


def test_words_are_in_both_languages() -> None:
    for words in WORDS.values():
        assert all(words) and not words.why_zh.isascii() and not words.mend_zh.isascii()


def test_too_few_validation_records_are_told() -> None:
    case = scenario("zh", child={**CHILD, "target": {"metric": "precision", "label": "有", "at_least": 0.9}})
    task = case.tasks["child"]
    few = probes_of(case, task, MANY, MANY, quick=True, seed=0)
    assert not few.generated() and not few.variants
    done = answered(few, right)
    found = diagnose_task(case, few, done, seed=0)
    assert (found["threshold"]["needed"], found["threshold"]["n"]) == (35, 12)
    [one] = [each for each in suggest(case, few, done, found, (), seed=0) if each.kind == "validation"]
    assert one.facts["missing"] == 23
    none = diagnose_task(case, replace(few, validation=()), replace(done, validation=()), seed=0)
    assert none["threshold"]["why_not"] == "no_validation"


def test_variants_change_one_thing_each() -> None:
    found = {variant.name: variant.scenario for variant in variants_of(CASE, TASK)}
    assert list(found) == ["reversed", "rotated", "polite", "strict", "sections"]
    assert list(found["reversed"].tasks["child"].labels) == ["无法判断", "没有", "有"]
    assert list(found["rotated"].tasks["child"].labels) == ["没有", "无法判断", "有"]
    asked = {name: render_prompt(own, own.tasks["child"], POSTS[0].input) for name, own in found.items()}
    base = render_prompt(CASE, TASK, POSTS[0].input)
    assert len({(p.system, p.user) for p in [base, *asked.values()]}) == 6
    for name in ("polite", "strict", "sections"):
        assert asked[name].system == base.system
        assert TASK.instruction in asked[name].user
    two = scenario("en", topics={**TOPICS, "instruction": "", "labels": {"a": "x", "b": "y"}})
    assert [v.name for v in variants_of(two, two.tasks["topics"])] == ["reversed"]


def test_stability_by_hand() -> None:
    """Two ways, three records: the first changes one answer of three, the second none: 5 of 6 stay."""
    records = POSTS[:3]
    base = answer(records, right)
    turned = [*base[:2], replace(base[2], answer=Answer(label="有"))]
    asked: list[Any] = [("reversed", "label_order", turned), ("rotated", "label_order", base)]
    found = stability_figures(TASK, records, base, asked, seed=0)
    assert found["label_order"]["agreement"]["value"] == pytest.approx(5 / 6)
    assert found["label_order"]["ways"]["reversed"]["value"] == pytest.approx(2 / 3)
    assert "wording" not in found


def test_fields_that_are_spelled_otherwise_have_stayed() -> None:
    case = scenario("en", order=ORDER)
    said = Answer(fields={"item": "Tea"})
    records = [Record(id=name, task="order", input={"message": "x"}, answer=said) for name in "abc"]
    given = [{"item": "Tea", "count": 3}, {"item": "Tea", "count": 3}, {"item": "Tea"}]
    turned = [{"count": "3.0", "item": " Tea", "place": None}, {"item": "Tea", "count": 4}, {"item": "Tea"}]
    base, other = (
        [
            Prediction(id=record.id, task="order", answer=Answer(fields=fields))
            for record, fields in zip(records, side, strict=True)
        ]
        for side in (given, turned)
    )
    found = stability_figures(case.tasks["order"], records, base, [("polite", "wording", other)], seed=0)
    assert found["wording"]["agreement"]["value"] == pytest.approx(2 / 3)


def test_stability_counts_groups_not_their_records() -> None:
    records = [replace(record, group="one" if n < 4 else "two") for n, record in enumerate(MANY[:8])]
    base = answer(records, right)
    asked: list[Any] = [("reversed", "label_order", base), ("rotated", "label_order", base)]
    found = stability_figures(TASK, records, base, asked, seed=0)
    two = pytest.approx(wilson_interval(2, 2).low)
    assert found["label_order"]["agreement"]["low"] == two
    assert found["label_order"]["ways"]["reversed"]["low"] == two
    assert found["sampling"]["agreement"]["method"].endswith("clustered by group")


def test_drawn_answers_are_the_same_for_a_number_and_seed() -> None:
    case = tiny_scenario()
    short = case.tasks["both"].model_copy(update={"max_answer_tokens": 4})
    case = case.model_copy(update={"tasks": {"both": short}})
    local = LocalModel(tiny_model("llama"), tiny_encoder(), "tiny")
    records = [
        Record(id=str(n), task="both", input={"text": f"w{60 + n}"}, answer=Answer(labels=("w40",)))
        for n in range(3)
    ]

    def drawn(number: int, own: Sequence[Record]) -> dict[str, str | None]:
        return {p.id: p.text for p in SampledModel(local, number, 0).predict(case, "both", own)}

    assert drawn(1, records) == drawn(1, records[::-1])
    assert drawn(1, records) != drawn(2, records)


def test_a_group_is_one_cluster_of_traps() -> None:
    grouped = [replace(record, group="one person") for record in MANY]
    probes = probes_of(CASE, TASK, grouped, (), quick=False, seed=0)
    tests = compare_diagnoses(
        {"child": probes}, {"child": answered(probes, eager)}, {"child": answered(probes, right)}, seed=0
    )
    assert {row["test"] for row in tests if row["what"] in ("traps", "evidence_removed")} == {
        "clustered bootstrap"
    }
    assert {row["verdict"] for row in tests} == {"inconclusive"}, "one person proves nothing"


def test_drafts_that_were_added_are_neither_drafted_again_nor_made_from(probes: Probes) -> None:
    train = [replace(record, id=f"train-{record.id}-{n}") for record in POSTS for n in range(4)]
    done = answered(probes, eager)
    diagnosis = diagnose_task(CASE, probes, done, seed=0)
    first = [draft for one in suggest(CASE, probes, done, diagnosis, train, seed=0) for draft in one.drafts]
    again = suggest(CASE, probes, done, diagnosis, [*train, *first], seed=0)
    ids = {draft.id for one in again for draft in one.drafts}
    assert ids and not ids & {draft.id for draft in first}
    assert not any(one.count("~") > 1 for one in ids)
