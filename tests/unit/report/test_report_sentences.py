"""The sentences that state verdicts, targets and baselines, and the numbers in them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sftloop.report.figures import Figures
from sftloop.report.verdict import linear_sentence, overall_verdict, paired_sentence, target_statement
from sftloop.report.wording import LANGUAGES, report_words
from sftloop.report.wording.words import Counted
from sftloop.report.wrong_answers import answer_text

EN, ZH = report_words("en"), report_words("zh")


def paired(
    verdict: str, difference: float, low: float, high: float, metric: str = "accuracy"
) -> dict[str, Any]:
    before = 0.5
    after = before - difference if metric == "mae" else before + difference
    values = {"difference": difference, "low": low, "high": high, "before": before, "after": after}
    return {"metric": metric, "verdict": verdict, "p": 0.01, "test": "paired bootstrap", "n": 80, **values}


def task(verdict: str, *, target: bool | None = None, linear: float | None = None) -> dict[str, Any]:
    entry = {"value": 0.8, "low": 0.7, "high": 0.88}
    wanted = {"metric": "recall", "label": "high", "at_least": 0.85, "value": 0.9, "low": 0.8, "met": target}
    return {
        "paired": paired(verdict, 0.1, 0.02, 0.2),
        "after": {"metrics": {"accuracy": entry}},
        "target": None if target is None else wanted,
        "linear": None if linear is None else {"metrics": {"accuracy": {"value": linear}}},
    }


@pytest.mark.parametrize(
    ("verdicts", "english", "chinese", "state"),
    [
        ("b", "Better on its one task.", "唯一的任务变好了。", "better"),
        ("bbb", "Better on all 3 tasks.", "3 个任务全部变好。", "better"),
        ("bbi", "Better on t0 and t1; inconclusive on t2.", "t0、t1 变好；t2 尚无定论。", "better"),
        ("bw", "Better on t0; worse on t1.", "t0 变好；t1 变差。", "mixed"),
        ("iw", "Worse on t1; inconclusive on t0.", "t1 变差；t0 尚无定论。", "worse"),
        ("ii", "Inconclusive on all 2 tasks.", "2 个任务均无定论。", "inconclusive"),
        ("bbbbbw", "Better on 5 of 6 tasks; worse on t5.", "6 个任务中有 5 个变好；t5 变差。", "mixed"),
    ],
)
def test_headline(verdicts, english, chinese, state):
    long = {"b": "better", "w": "worse", "i": "inconclusive"}
    tasks = {f"t{index}": task(long[letter]) for index, letter in enumerate(verdicts)}
    found = overall_verdict(tasks, EN)
    assert (found.headline, found.state) == (english, state)
    assert overall_verdict(tasks, ZH).headline == chinese


def test_a_key_task_that_got_worse_is_named():
    tasks = {"t0": task("better"), "t1": task("worse") | {"key": True}, "t2": task("worse")}
    lost = overall_verdict(tasks, EN).key_lost
    assert lost is not None
    assert lost.text == "t1 got worse, and the scenario says that it must not (key)."
    assert overall_verdict(tasks, ZH).key_lost.text == "t1 变差了，而场景规定它不允许变差（key）。"
    assert overall_verdict(tasks | {"t1": task("better") | {"key": True}}, EN).key_lost is None


@pytest.mark.parametrize(
    ("met", "english"),
    [
        ([None], "No target was set."),
        ([True], "The one target is met."),
        ([True, None, True], "All 2 targets are met."),
        ([True, False, False], "1 of 3 targets met."),
        ([False], "The one target is not met."),
        ([False, False], "None of the 2 targets is met."),
    ],
)
def test_targets_are_counted(met, english):
    tasks = {f"t{index}": task("better", target=one) for index, one in enumerate(met)}
    assert overall_verdict(tasks, EN).targets == english


@pytest.mark.parametrize(
    ("row", "english", "chinese"),
    [
        (
            paired("better", 0.375, 0.275, 0.472),
            "Accuracy went from 50.0% to 87.5%, a gain of 37.5 points (95% interval 27.5 to 47.2).",
            "准确率从 50.0% 升到 87.5%，提高了 37.5 个百分点（95% 置信区间 27.5 至 47.2）。",
        ),
        (
            paired("worse", -0.1, -0.2, -0.01, "macro_f1"),
            "Macro F1 went from 50.0% to 40.0%, a loss of 10.0 points (95% interval 1.0 to 20.0).",
            "宏平均 F1 从 50.0% 降到 40.0%，下降了 10.0 个百分点（95% 置信区间 1.0 至 20.0）。",
        ),
        (
            paired("inconclusive", 0.03, -0.05, 0.11),
            "Accuracy went from 50.0% to 53.0%; the difference of +3.0 points (95% interval −5.0 to +11.0) "
            "could be chance.",
            "准确率从 50.0% 变为 53.0%，相差 +3.0 个百分点（95% 置信区间 −5.0 至 +11.0），可能只是偶然波动。",
        ),
        (
            paired("better", 0.3, 0.1, 0.42, "mae"),
            "Mean absolute error fell from 0.50 to 0.20, a gain of 0.30 (95% interval 0.10 to 0.42).",
            "平均绝对误差从 0.50 降到 0.20，改善了 0.30（95% 置信区间 0.10 至 0.42）。",
        ),
    ],
)
def test_difference_in_a_sentence(row, english, chinese):
    assert paired_sentence(row, EN) == english
    assert paired_sentence(row, ZH) == chinese


@pytest.mark.parametrize(
    ("linear", "state", "part"),
    [
        (0.8, "bad", "Was the model needed? "),
        (0.95, "bad", "reaches 95.0%: as good as the fine-tuned model’s 80.0%, or better."),
        (0.7, "unsure", "70.0%, which lies inside the fine-tuned model’s interval (70.0–88.0)"),
        (0.69, "good", "69.0%, below the fine-tuned model’s interval (70.0–88.0)."),
    ],
)
def test_linear_baseline(linear, state, part):
    found = linear_sentence(task("better", linear=linear), EN)
    assert found is not None and found.state == state and part in found.text


def test_no_baseline_no_sentence():
    assert linear_sentence(task("better"), EN) is None


@pytest.mark.parametrize(
    ("change", "badge", "part"),
    [
        ({"met": True, "sure": True}, "Target met", "the worse end of its 95% interval (80.0%) reaches that"),
        ({"met": True, "sure": False}, "Target met", "more test records would make this sure"),
        (
            {"met": False, "value": 0.6},
            "Target not met",
            "Recall of “high” is 60.0%; at least 85.0% was asked.",
        ),
        ({"met": False, "value": None}, "Target not met", "Recall of “high” could not be measured"),
        (
            {"met": False, "metric": "mae", "label": None, "value": 1.2, "at_least": 0.8},
            "Target not met",
            "Mean absolute error is 1.20; at most 0.80 was asked.",
        ),
    ],
)
def test_target(change, badge, part):
    entry = task("better", target=True)
    entry["target"] |= change
    found = target_statement(entry, EN)
    assert found is not None and found.badge == badge and part in found.text


@pytest.mark.parametrize(
    ("written", "english"),
    [
        (lambda f: f.percent(-0.0001), "0.0%"),
        (lambda f: f.percent(-0.05), "−5.0%"),
        (lambda f: f.percent(None), "–"),
        (lambda f: f.number(0.001), "0.001"),
        (lambda f: f.range("pearson", -0.1, 0.3), "−0.10 – 0.30"),
        (lambda f: f.p_value(0.00001), "p\u00a0<\u00a00.001"),
        (lambda f: f.p_value(0.0321), "p\u00a0=\u00a00.032"),
        (lambda f: f.duration(8.44), "8.4 s"),
        (lambda f: f.duration(59.7), "1 min 00 s"),
        (lambda f: f.duration(7500), "2 h 05 min"),
        (lambda f: f.size(999), "999 B"),
        (lambda f: f.size(2_913_000_000), "2.9 GB"),
        (lambda f: f.names(["a"]), "a"),
        (lambda f: f.names(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers(written, english):
    assert written(Figures(EN.figures)) == english


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (None, "no usable answer"),
        ("due", "due"),
        ({"label": "due", "evidence": ["x"], "reason": "y"}, "due"),
        ({"labels": []}, "none"),
        ({"labels": ["a", "b"]}, "a, b"),
        ({"fields": {"item": "lamp", "new": True, "paid": None}}, "item: lamp\nnew: yes\npaid: none"),
        ({"score": 4.0}, "4"),
        ({"text": "Hello"}, "Hello"),
    ],
)
def test_answers_as_a_reader_writes_them(answer, shown):
    assert answer_text(answer, EN) == shown


def leaves(words: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(words, str):
        yield path, words
    elif isinstance(words, Counted):
        yield path, words.many
    elif isinstance(words, dict):
        for key, value in words.items():
            yield from leaves(value, f"{path}.{key}")
    else:
        for field in dataclasses.fields(words):
            yield from leaves(getattr(words, field.name), f"{path}.{field.name}")


def test_languages_fill_the_same_places_with_the_same_values():
    assert LANGUAGES == ("en", "zh")
    english, chinese = dict(leaves(EN)), dict(leaves(ZH))
    assert english.keys() == chinese.keys()
    for path, text in english.items():
        places = re.findall(r"{(\w+)", text)
        assert sorted(set(places)) == sorted(set(re.findall(r"{(\w+)", chinese[path]))), path


def test_a_value_is_told_apart_from_the_one_it_misses() -> None:
    found = task("better", target=False)
    found["target"] |= {"value": 113 / 119, "at_least": 0.95}
    said = target_statement(found, EN)
    assert said is not None and "94.96%" in said.text and "95.00%" in said.text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9996, "99.96%"), (0.0003, "0.03%"), (1.0, "100.0%"), (0.0, "0.0%"), (0.788, "78.8%")],
)
def test_only_all_is_100_percent(value: float, text: str) -> None:
    assert Figures(EN.figures).percent(value) == text
