"""Which formats are tried, how they are halved, and when one is accepted."""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace

import pytest

from sftloop.core.errors import UsageError
from sftloop.records import Prediction, Record
from sftloop.scenario import Answer, Scenario
from sftloop.workflow.improve_formats_effects import main_effects
from sftloop.workflow.improve_formats_finals import compare_finalists, decide, detectable, format_score
from sftloop.workflow.improve_formats_rounds import FINALISTS, Schedule, halve, halves, schedule_for
from sftloop.workflow.improve_formats_variants import MIXED, format_space

CHOICE = {"kind": "choice", "input": ["a"], "labels": {"x": "One.", "y": "Two."}}
TEXT = {"kind": "generate", "input": ["a"]}
EXPLAINED = {**CHOICE, "answer": {"reason": True, "evidence": True}}
QUOTED = {**CHOICE, "answer": {"evidence": True}}
LETTERED = {"kind": "choice", "input": ["a"], "labels": {"B": "One.", "A": "Two."}}


def scenario(*tasks: dict, **parts) -> Scenario:
    named = {f"t{number}": task for number, task in enumerate(tasks)}
    return Scenario.model_validate({"name": "n", "model": "m", "tasks": named, **parts})


def records(count: int, *, task: str = "t0", group: int = 1, skew: int = 2) -> list[Record]:
    return [
        Record(
            id=f"{task}-{number}",
            task=task,
            input={"a": f"text {task} {number}"},
            answer=Answer(label="y" if number % skew == 0 else "x"),
            group=None if group == 1 else f"g{number // group}",
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("tasks", "levels"),
    [
        ([CHOICE], {"order": 4, "labels": 2, "answer": 2, "wording": 2}),
        ([TEXT], {"order": 4, "answer": 2, "wording": 2}),
        ([EXPLAINED], {"order": 4, "labels": 2, "reason": 3, "answer": 2, "wording": 2}),
        ([QUOTED], {"order": 4, "labels": 2, "reason": 2, "answer": 2, "wording": 2}),
        ([CHOICE, EXPLAINED], {"order": 4, "labels": 2, "reason": 3, "answer": 3, "wording": 2}),
    ],
)
def test_every_combination_is_tried_and_the_present_one_comes_first(tasks: list[dict], levels: dict) -> None:
    own = scenario(*tasks, prompt={"order": "instruction_first"})
    space = format_space(own, list(own.tasks))
    assert {factor: len(found) for factor, found in space.factors.items()} == levels
    assert len(space.variants) == math.prod(levels.values())
    assert [variant.current for variant in space.variants] == [True] + [False] * (len(space.variants) - 1)
    assert space.variants[0].scenario is own
    assert len({str(variant.said) for variant in space.variants[1:]}) == len(space.variants) - 1
    assert space.factors["answer"][0] == (MIXED if len(tasks) > 1 else own.tasks["t0"].written_as)
    for variant in space.variants[1:]:
        assert variant.scenario.order == variant.levels["order"]
        again = Scenario.model_validate(
            {
                "name": "n",
                "model": "m",
                "tasks": {f"t{i}": t for i, t in enumerate(tasks)},
                "format": variant.said,
            }
        )
        assert again.format.model_copy(update={"order": again.order}) == variant.scenario.format


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("skew", [2, 3])
def test_either_half_and_its_first_part_hold_the_labels_evenly(seed: int, skew: int) -> None:
    sides = halves(records(120, skew=skew), seed)
    assert abs(len(sides[0]) - len(sides[1])) <= 1
    for side in sides:
        for part in (side[:6], side[:12], side):
            share = sum(record.answer.label == "y" for record in part) / len(part)
            assert abs(share - 1 / skew) <= 1 / 6 + 1e-9, (
                "an alternating order must not leave a label to one side"
            )


def test_letters_that_mislead_are_left_out_and_said() -> None:
    space = format_space(scenario(LETTERED), ["t0"], ["labels", "answer"])
    assert [variant.levels["labels"] for variant in space.variants] == ["names", "names"]
    assert len(space.left_out) == 2
    assert "would also be the letter of" in space.left_out[0]["why"]


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (["lables"], "There is no factor 'lables'."),
        (["labels"], "Nothing can vary: 'labels' has one level here."),
    ],
)
def test_factors_that_make_no_sense(factors: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        format_space(scenario(TEXT), ["t0"], factors)


def test_halves_are_disjoint_even_and_independent_of_the_order() -> None:
    own = [*records(40, skew=4), *records(20, task="t1")]
    pool, held_out = halves(own, 7)
    assert len(pool) == len(held_out) == 30
    assert {r.id for r in pool} | {r.id for r in held_out} == {r.id for r in own}
    shuffled = own.copy()
    random.Random(0).shuffle(shuffled)
    assert halves(shuffled, 7) == (pool, held_out)
    assert halves(own, 8) != (pool, held_out)
    for side in (pool, held_out):
        for part in (side[:12], side[:24]):
            share = sum(r.task == "t1" for r in part) / len(part)
            assert share == pytest.approx(1 / 3, abs=0.09)


def test_kin_stay_on_one_side() -> None:
    own = records(30, group=3)
    own.append(Record(id="copy", task="t0", input={"a": own[0].input["a"]}, answer=Answer(label="x")))
    pool, held_out = halves(own, 0)
    assert not {r.group for r in pool if r.group} & {r.group for r in held_out if r.group}
    side = pool if "copy" in {r.id for r in pool} else held_out
    assert own[0].id in {r.id for r in side}


@pytest.mark.parametrize(("formats", "first"), [(96, 96), (32, 32), (5, 5), (2, 2)])
def test_rounds_halve_the_formats_and_double_the_records(formats: int, first: int) -> None:
    schedule = schedule_for(formats, 300, 300, math.inf)
    assert schedule.rounds[0] == (first, 16)
    for (more, few), (less, many) in zip(schedule.rounds, schedule.rounds[1:], strict=False):
        assert less == max(FINALISTS + 1, math.ceil(more / 2))
        assert many == 2 * few
    assert schedule.rounds[-1][0] > FINALISTS or formats <= FINALISTS + 1
    assert schedule.final == 300


def test_a_budget_is_kept_and_one_that_is_too_small_says_what_is_needed() -> None:
    for formats, answers in ((32, 450), (32, 700), (32, 5000), (2, 60), (3, 100)):
        schedule = schedule_for(formats, 200, 200, answers)
        assert schedule.answers <= answers
        assert schedule.final >= 16
        assert schedule.rounds[0][1] >= 4
    with pytest.raises(UsageError) as caught:
        schedule_for(32, 200, 200, 100)
    needed = int(re.search(r"32 formats need (\d+) at least", str(caught.value))[1])
    assert schedule_for(32, 200, 200, needed).answers == needed
    with pytest.raises(UsageError):
        schedule_for(32, 200, 200, needed - 1)
    assert "--factor" in caught.value.hint


def test_halving_keeps_the_best_and_the_present_one() -> None:
    names = [f"f{number}" for number in range(12)]
    good = {name: number for number, name in enumerate(names)}
    schedule = schedule_for(12, 100, 50, math.inf)
    asked: list[tuple[str, int]] = []

    def score(name: str, count: int, number: int) -> float:
        asked.append((name, count))
        return good[name]

    rounds, finalists = halve(names, "f0", schedule, score, lambda number: True)
    assert finalists == ["f11", "f10", "f9"]
    assert [len(each["scores"]) for each in rounds] == [formats for formats, _ in schedule.rounds]
    assert all("f0" in each["scores"] for each in rounds)
    stopped, early = halve(names, "f0", schedule, score, lambda number: False)
    assert len(stopped) == 1
    assert early == finalists
    tied, first = halve(
        names, "f0", Schedule(rounds=((12, 4),), final=4), lambda *_: 1.0, lambda number: True
    )
    assert first == ["f1", "f2", "f3"]
    assert len(tied) == 1


def answered(own: list[Record], right: int) -> list[Prediction]:
    """Predictions of which the first so many are right."""
    other = {"x": "y", "y": "x"}
    return [
        Prediction(
            id=r.id, task=r.task, answer=r.answer if n < right else Answer(label=other[str(r.answer.label)])
        )
        for n, r in enumerate(own)
    ]


@pytest.mark.parametrize(
    ("right", "accepted", "why"), [((50, 90, 60), "b", "better"), ((50, 53, 52), None, "inconclusive"),
                                   ((90, 50, 20), None, "inconclusive")]
)  # fmt: skip
def test_only_what_is_significantly_better_is_accepted(right: tuple, accepted: str | None, why: str) -> None:
    own, task = records(100), scenario(CHOICE).tasks["t0"]
    sides = {name: answered(own, count) for name, count in zip("abc", right, strict=True)}
    compared = compare_finalists([task], own, sides["a"], {"b": sides["b"], "c": sides["c"]}, seed=0)
    ps = [one["tasks"]["t0"]["p"] for one in compared]
    assert max(one["tasks"]["t0"]["p_adjusted"] for one in compared) <= 1
    assert min(one["tasks"]["t0"]["p_adjusted"] for one in compared) == pytest.approx(min(1, 2 * min(ps)))
    scores = dict(zip("abc", (count / 100 for count in right), strict=True))
    decision = decide(compared, scores, "a")
    assert (decision["accepted"], decision["why"]) == (accepted, why)
    found = detectable(compared, decision["best"])
    assert found["t0"]["n"] == 100
    assert 0 < found["t0"]["detectable"] < 0.4


def some_failed(own: list[Record], right: int, failed: int) -> list[Prediction]:
    """Predictions of which the last so many failed."""
    kept = answered(own, right)[: len(own) - failed]
    return kept + [Prediction(id=r.id, task=r.task, error="timed out") for r in own[len(own) - failed :]]


def test_a_format_that_most_calls_failed_on_is_not_accepted() -> None:
    own, task = records(100), scenario(CHOICE).tasks["t0"]
    current, failing = answered(own, 20), some_failed(own, 60, 40)
    compared = compare_finalists([task], own, current, {"b": failing}, seed=0)
    assert compared[0]["tasks"]["t0"]["verdict"] == "better", "on what it answered"
    assert decide(compared, {"a": 0.2, "b": 0.6}, "a") == {"accepted": None, "why": "failed", "best": "b"}
    few = compare_finalists([task], own, current, {"b": some_failed(own, 60, 10)}, seed=0)
    assert decide(few, {"a": 0.2, "b": 0.6}, "a")["accepted"] == "b"


def test_failed_calls_count_as_wrong_where_formats_are_ranked() -> None:
    own, named = records(100), scenario(CHOICE)
    assert format_score(named, own, some_failed(own, 60, 10)) == pytest.approx(0.6)
    assert format_score(named, own, some_failed(own, 60, 11)) == 0.0


def test_better_on_one_task_and_worse_on_another_is_not_accepted() -> None:
    own = scenario(CHOICE, CHOICE)
    first, second = records(100), records(100, task="t1")
    before = answered(first, 40) + answered(second, 90)
    after = answered(first, 95) + answered(second, 50)
    compared = compare_finalists(list(own.tasks.values()), first + second, before, {"b": after}, seed=0)
    verdicts = {task: one["verdict"] for task, one in compared[0]["tasks"].items()}
    assert verdicts == {"t0": "better", "t1": "worse"}
    assert decide(compared, {"a": 0.65, "b": 0.725}, "a") == {"accepted": None, "why": "mixed", "best": "b"}


def test_a_main_effect_is_the_mean_over_the_other_factors() -> None:
    own = scenario(CHOICE)
    space = format_space(own, ["t0"], ["labels", "answer"])
    asked = records(20)
    right = {"names": {"plain": 10, "json": 8}, "letters": {"plain": 16, "json": 12}}
    found = {v.name: answered(asked, right[v.levels["labels"]][v.levels["answer"]]) for v in space.variants}
    scores = {v.name: right[v.levels["labels"]][v.levels["answer"]] / 20 for v in space.variants}
    effects = main_effects(space, list(own.tasks.values()), asked, found, scores, seed=0)
    assert [effect["factor"] for effect in effects] == ["labels", "answer"]
    names, letters = effects[0]["levels"]
    assert (names["mean"], letters["mean"]) == pytest.approx((0.45, 0.7))
    assert letters["difference"] == pytest.approx(0.25)
    assert letters["low"] < 0.25 < letters["high"]
    assert names["difference"] is None
    pairs = [replace(record, group=f"g{number // 10}") for number, record in enumerate(asked)]
    few = main_effects(space, list(own.tasks.values()), pairs, found, scores, seed=0)[0]["levels"][1]
    assert few["difference"] == letters["difference"]
    assert (few["low"], few["high"]) == pytest.approx((0.1, 0.4)), (
        "two groups, of which one may be drawn twice"
    )
    assert letters["high"] > 0.4
    plain, as_json = effects[1]["levels"]
    assert as_json["difference"] == pytest.approx(-0.15)
    assert plain["formats"] == as_json["formats"] == 2
